// The browser's push subscription and the server's knowledge of it, brought together.
//
// Loaded by the page as a module and by the worker with importScripts, so it exports nothing and names itself.
// Needs keep.js and server.js.

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
      if (me) await keep.save({ ...me, moving: true });
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

  /** Subscribe, tell the server, and keep who we are. Returns the topics as the server has them. */
  async function start(registration, { key, key_id }, topics, token = base64url(crypto.getRandomValues(new Uint8Array(32)))) {
    const push = await made(registration, key);
    const mine = await server.call("POST", "/api/subscriptions", {
      token,
      body: { subscription: push.toJSON(), topics, key_id },
    });
    await keep.save({ token, topics: mine.topics, endpoint: push.endpoint });
    return mine.topics;
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
    await keep.save({ token: me.token, topics: me.topics, endpoint: push.endpoint });
  }

  return { start, renew };
})();
