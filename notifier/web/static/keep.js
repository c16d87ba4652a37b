// What this browser keeps for itself, in IndexedDB, where the page and the service worker both find it: who we are
// (token, topics with their version and since when, the endpoint that the server was last told), which alerts were shown, and what of that
// is still to be told. Whenever who we are changes, the other tabs hear of it.
//
// Any of this may fail, or never answer: the disk is full, storage was lost, another tab holds it. The page says so; the
// worker shows what was pushed all the same.
//
// The database grows by further stores only, and is opened without a version: a worker of this release goes on working
// beside a page of a later one.
//
// Loaded by the page as a module and by the worker with importScripts, so it exports nothing and names itself.

globalThis.keep = (() => {
  const SHOWN_LIMIT = 300;
  const TO_TELL_LIMIT = 20;
  const PATIENCE_MS = 5000;

  // One for each tab and for the worker: a message reaches all but the one that sent it. Where a browser refuses it, tabs
  // follow when they are looked at; the worker has to go on.
  const others = (() => {
    try {
      return new BroadcastChannel("notifier");
    } catch {
      return { postMessage() {} };
    }
  })();
  const tellOthers = () => others.postMessage("changed");

  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  async function within(store, mode, work) {
    const opening = indexedDB.open("notifier");
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("subscriber");
      opening.result.createObjectStore("shown", { keyPath: "tag" }).createIndex("at", "at");
    };
    const database = await done(opening);
    try {
      return await work(database.transaction(store, mode).objectStore(store));
    } finally {
      database.close();
    }
  }

  /**
   * Do `work` while no other tab, nor the worker, does theirs: subscribing, moving, choosing, stopping. Whoever holds the
   * others up for long is no longer waited for, since "Stop" always has to work.
   */
  async function alone(work) {
    let begun = false;
    const begin = () => {
      begun = true;
      return work();
    };
    try {
      return await navigator.locks.request("notifier", { signal: AbortSignal.timeout(PATIENCE_MS) }, begin);
    } catch (problem) {
      if (begun) throw problem;
      return work();
    }
  }

  /** Since when (in milliseconds since the epoch) each of these topics is followed, as far as this browser knows. */
  const sinceWhen = (topics, before = {}) => Object.fromEntries(topics.map((topic) => [topic, before[topic] ?? Date.now()]));

  /**
   * `{token, topics, version, since, endpoint}`, or undefined for a visitor who has not subscribed. `moving` to another
   * key, and `stopped` without the server's knowledge, say what was cut off.
   */
  const subscriber = () => within("subscriber", "readonly", (store) => done(store.get("me")));

  const save = async (me) => {
    const dated = { ...me, since: sinceWhen(me.topics) };
    await within("subscriber", "readwrite", (store) => done(store.put(dated, "me")));
    tellOthers();
  };

  /** Keep what `change` makes of us, unless we are somebody else by now, or nobody. Returns who we are then. */
  async function update(token, change) {
    const [before, after] = await within("subscriber", "readwrite", async (store) => {
      const me = await done(store.get("me"));
      if (me?.token !== token) return [me, me];
      const changed = change(me);
      await done(store.put(changed, "me"));
      return [me, changed];
    });
    if (JSON.stringify(before) !== JSON.stringify(after)) tellOthers();
    return after;
  }

  /** Keep the server's word on our topics; a late answer does not take the place of a newer one. */
  const learn = (token, { topics, version }) =>
    update(token, (me) => {
      const late = version < (me.version ?? 0);
      return late ? me : { ...me, topics, version, since: sinceWhen(topics, me.since) };
    });

  /** Forget who we are. What was shown stays, so that nothing is shown twice after subscribing again. */
  const forget = async () => {
    await within("subscriber", "readwrite", (store) => done(store.delete(IDBKeyRange.lowerBound(""))));
    tellOthers();
  };

  /** Keep a receipt for `takeToTell`, the newest few. */
  const toTell = (receipt) =>
    within("subscriber", "readwrite", async (store) => {
      const waiting = (await done(store.get("to-tell"))) ?? [];
      await done(store.put([...waiting, receipt].slice(-TO_TELL_LIMIT), "to-tell"));
    });

  /** The receipts that wait, each given out once. */
  const takeToTell = () =>
    within("subscriber", "readwrite", async (store) => {
      const waiting = (await done(store.get("to-tell"))) ?? [];
      await done(store.delete("to-tell"));
      return waiting;
    });

  /**
   * The newest state of the story that an alert tells, and what the alert is to it: `{alert, state}`, "fresh" once, then
   * "repeat"; "outdated" where a newer one was shown already. One transaction, so that of two deliveries at once only one
   * is fresh.
   */
  const claim = (alert) =>
    within("shown", "readwrite", async (store) => {
      const { tag, id } = alert;
      const before = await done(store.get(tag));
      if (before && before.id >= id) {
        return { alert: before.alert ?? alert, state: before.id === id ? "repeat" : "outdated" };
      }
      await done(store.put({ tag, id, alert, at: Date.now() }));
      if ((await done(store.count())) > SHOWN_LIMIT) {
        const oldest = await done(store.index("at").openCursor());
        await done(oldest.delete());
      }
      return { alert, state: "fresh" };
    });

  /** The newest state of each story that was shown here: `{tag, id, alert, at}`. */
  const shown = () => within("shown", "readonly", (store) => done(store.getAll()));

  return { others, alone, subscriber, save, update, learn, forget, claim, shown, toTell, takeToTell };
})();
