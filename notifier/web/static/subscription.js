// The browser's push subscription and the server's knowledge of it, brought together.
//
// Loaded by the page as a module and by the worker with importScripts, so it exports nothing and names itself.
// Needs keep.js and server.js. Whatever changes anything is to be called under `keep.alone`, with who we are at that moment:
// then no tab undoes another's work, nor the worker one's.

globalThis.subscription = (() => {
  const base64url = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");

  const AGAIN_AFTER_MS = [1000, 5000];

  /**
   * A subscription made with the application server key `key`. A browser has one at a time, so one that was made with
   * another key has to end first; `me` then notes that it is `moving`, and whatever cuts it off, the next visit goes on.
   */
  async function made(registration, key, me) {
    const present = await registration.pushManager.getSubscription();
    if (present && base64url(present.options.applicationServerKey ?? []) === key) return present;
    if (present) {
      if (me) await keep.update(me.token, (now) => ({ ...now, moving: true }));
      await present.unsubscribe();
    }
    const options = { userVisibleOnly: true, applicationServerKey: key };
    for (const wait of AGAIN_AFTER_MS) {
      try {
        return await registration.pushManager.subscribe(options);
      } catch (problem) {
        if (!me || problem.name === "NotAllowedError") throw problem;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    return registration.pushManager.subscribe(options);
  }

  const fresh = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

  /** Subscribe, tell the server, and keep who we are. */
  async function start(registration, { key, key_id }, topics, token = fresh()) {
    const before = await registration.pushManager.getSubscription();
    const push = await made(registration, key);
    const body = { subscription: push.toJSON(), topics, key_id };
    const mine = await server.call("POST", "/api/subscriptions", { token, body }).catch(async (problem) => {
      if (!before) await push.unsubscribe(); // nobody would know of it
      throw problem;
    });
    await keep.save({ token, topics: mine.topics, version: mine.version, endpoint: push.endpoint });
  }

  /** Tell the server of new keys or a new endpoint, under the same token; a server that forgot us hears all of it. */
  async function renew(registration, me, { key, key_id }) {
    const push = await made(registration, key, me);
    const body = { subscription: push.toJSON(), key_id };
    try {
      await server.call("PUT", "/api/subscriptions/mine/keys", { token: me.token, body });
    } catch (problem) {
      if (problem.code !== "not-found") throw problem;
      await start(registration, { key, key_id }, me.topics, me.token);
      return;
    }
    await keep.update(me.token, ({ moving, stopped, ...now }) => ({ ...now, endpoint: push.endpoint }));
  }

  /** Add topics and remove others: what was chosen elsewhere meanwhile stays. */
  async function choose({ token }, change) {
    await keep.learn(token, await server.call("PATCH", "/api/subscriptions/mine/topics", { token, body: change }));
  }

  return { start, renew, choose };
})();
