// What this browser keeps for itself, in IndexedDB, where the page and the service worker both find it: who we are
// (token, topics, the endpoint that the server was last told), which alerts were shown, and what of that is still to be told.
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

  /** `{token, topics, endpoint}`, or undefined for a visitor who has not subscribed. */
  const subscriber = () => within("subscriber", "readonly", (store) => done(store.get("me")));

  const save = (me) => within("subscriber", "readwrite", (store) => done(store.put(me, "me")));

  /** Forget who we are. What was shown stays, so that nothing is shown twice after subscribing again. */
  const forget = () => within("subscriber", "readwrite", (store) => done(store.delete(IDBKeyRange.lowerBound(""))));

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

  return { subscriber, save, forget, claim, toTell, takeToTell };
})();
