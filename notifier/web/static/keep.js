// What this browser keeps for itself, in IndexedDB, where the page and the service worker both find it: who we are
// (token, topics, the endpoint that the server was last told), which alerts were shown, and what of that is still to be told.
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
    const opening = indexedDB.open("notifier", 1);
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
   * Whether the alert `id` of the story `tag` is to be shown: "fresh" once, then "repeat"; "outdated" where a newer
   * state of the story was shown already. One transaction, so that of two deliveries at once only one is fresh.
   */
  const claim = (tag, id) =>
    within("shown", "readwrite", async (store) => {
      const before = await done(store.get(tag));
      if (before && before.id >= id) return before.id === id ? "repeat" : "outdated";
      await done(store.put({ tag, id, at: Date.now() }));
      if ((await done(store.count())) > SHOWN_LIMIT) {
        const oldest = await done(store.index("at").openCursor());
        await done(oldest.delete());
      }
      return "fresh";
    });

  return { subscriber, save, forget, claim, toTell, takeToTell };
})();
