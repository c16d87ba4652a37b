// The server's JSON API. The token goes in the Authorization header, never in an address.
//
// Loaded by the page as a module and by the worker with importScripts, so it exports nothing and names itself.

globalThis.server = (() => {
  const UNREACHABLE = {
    code: "unreachable",
    title: "The server can’t be reached",
    detail: "Check your connection, then try again.",
  };

  /** What went wrong (`title`), what to do about it (`detail`), and a stable `code`. */
  class Problem extends Error {
    constructor({ code, title, detail }) {
      super(title);
      Object.assign(this, { code, title, detail });
    }
  }

  /** The answer's JSON, or null where there is none; `cache` as fetch has it. Throws a Problem. */
  async function call(method, path, { token, body, cache = "no-store" } = {}) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache });
    } catch {
      throw new Problem(UNREACHABLE);
    }
    const said = await answer.json().catch(() => null);
    // A proxy in between answers in its own words when the service is away.
    if (!answer.ok) throw new Problem(said?.code ? said : UNREACHABLE);
    return said;
  }

  return { call, Problem };
})();
