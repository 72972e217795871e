// What a PAC file may call, and the function that runs it. Evaluated before the file; the value of
// the whole is `run`, which the file cannot reach. A name that is not in `found` ends the run: it
// is remembered outside the reach of the file, so that catching the exception changes nothing.
// Source: Netscape, "Navigator Proxy Auto-Config File Format" (1996); Microsoft's IPv6 additions.
(function () {
  "use strict";
  const parse = JSON.parse, stringify = JSON.stringify, global = globalThis;
  const call = Function.prototype.call, MOST = 8192;
  const cut = call.bind(String.prototype.slice);
  const ends = call.bind(String.prototype.endsWith);  // without a frame of its own, for long lists
  let found = new Map(), own = [], missed = null, utc = 0, local = 0;

  const v4 = (text) => /^\d{1,3}(\.\d{1,3}){3}$/.test(text) &&
    text.split(".").every((part) => part < 256);
  const literal = (text) => v4(text) || text.includes(":");
  function addresses(host) {
    host = String(host);
    if (literal(host)) return [host];
    const known = found.get(host);
    if (known !== undefined) return known;
    missed ??= host;
    throw new Error("DNS");
  }
  const number4 = (text) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  // Eight groups of an IPv6 address, or of an IPv4 one inside IPv6; null for no address.
  function groups(text) {
    if (v4(text)) text = "::ffff:" + text;
    const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
    if (dotted) {
      if (!v4(dotted[2])) return null;
      const n = number4(dotted[2]);
      text = dotted[1] + Math.floor(n / 65536).toString(16) + ":" + (n % 65536).toString(16);
    }
    const halves = text.split("::");
    if (halves.length > 2) return null;
    const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
    let all = head;
    if (tail) {
      if (head.length + tail.length > 7) return null;
      all = head.concat(new Array(8 - head.length - tail.length).fill("0"), tail);
    }
    if (all.length !== 8 || !all.every((g) => /^[0-9a-f]{1,4}$/i.test(g))) return null;
    return all.map((g) => parseInt(g, 16));
  }
  function within(address, prefix) {
    const [base, bits] = String(prefix).split("/");
    const a = groups(address), b = groups(base);
    if (!a || !b || v4(address) !== v4(base) || !/^\d{1,3}$/.test(bits)) return false;
    let left = Number(bits) + (v4(base) ? 96 : 0);
    if (left > 128) return false;
    for (let i = 0; i < 8 && left > 0; i++, left -= 16) {
      const mask = left >= 16 ? 0xffff : 0xffff & (0xffff << (16 - left));
      if ((a[i] & mask) !== (b[i] & mask)) return false;
    }
    return true;
  }
  // `*` is any text, `?` any one character; everything else stands for itself. Most patterns are
  // a star and a suffix: those are remembered.
  const suffixes = new Map();
  function suffix(pattern) {
    const rest = pattern.slice(1);
    const plain = pattern[0] === "*" && !rest.includes("*") && !rest.includes("?");
    suffixes.set(pattern, plain ? rest : null);
    return plain ? rest : null;
  }
  function glob(text, pattern) {
    let rest = suffixes.get(pattern);
    if (rest === undefined) rest = suffix(pattern);
    if (rest !== null) return text.endsWith(rest);
    let t = 0, p = 0, star = -1, mark = 0;
    while (t < text.length) {
      const wanted = pattern[p];
      if (wanted === "*") { star = p++; mark = t; }
      else if (wanted === "?" || wanted === text[t]) { p++; t++; }
      else if (star >= 0) { p = star + 1; t = ++mark; }
      else return false;
    }
    while (pattern[p] === "*") p++;
    return p === pattern.length;
  }

  const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
  const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                  "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
  // The arguments without a last "GMT", and the clock they are about.
  function clock(words) {
    const gmt = words[words.length - 1] === "GMT";
    return [gmt ? words.slice(0, -1) : words, new Date(gmt ? utc : local)];
  }
  // Whether first <= at <= last, by the first part that differs; a range may run over its end.
  function between(first, at, last) {
    const order = (a, b) => { for (const i in a) if (a[i] !== b[i]) return a[i] - b[i]; return 0; };
    return order(first, last) <= 0
      ? order(first, at) <= 0 && order(at, last) <= 0
      : order(first, at) <= 0 || order(at, last) <= 0;
  }
  // 0 a year, 1 a month, 2 a day of the month, -1 none of them.
  function part(word) {
    if (MONTHS.includes(word)) return 1;
    return !Number.isInteger(word) || word < 1 ? -1 : word > 31 ? 0 : 2;
  }

  const helpers = {
    isPlainHostName: (host) => !/[.:]/.test(host),
    dnsDomainIs: ends,
    localHostOrDomainIs: (host, name) =>
      host === name || (!host.includes(".") && name.startsWith(host + ".")),
    isResolvable: (host) => addresses(host).some(v4),
    isResolvableEx: (host) => addresses(host).length > 0,
    dnsResolve: (host) => addresses(host).find(v4) ?? null,
    dnsResolveEx: (host) => addresses(host).join(";"),
    isInNet(host, pattern, mask) {
      const address = addresses(host).find(v4);
      if (address === undefined || !v4(pattern) || !v4(mask)) return false;
      const bits = number4(mask);
      return (number4(address) & bits) === (number4(pattern) & bits);
    },
    isInNetEx: (host, prefix) => addresses(host).some((one) => within(one, prefix)),
    convert_addr: (address) => (v4(String(address)) ? number4(String(address)) | 0 : 0),
    myIpAddress: () => own.find(v4) ?? "127.0.0.1",
    myIpAddressEx: () => own.join(";"),
    sortIpAddressList(list) {
      const all = String(list).split(";").map((one) => one.trim());
      const keyed = all.map((one) => [groups(one), one]);
      if (keyed.some(([key]) => key === null)) return "";
      const six = (one) => (v4(one) ? 1 : 0);
      keyed.sort(([a, x], [b, y]) => {
        if (six(x) !== six(y)) return six(x) - six(y);
        for (let i = 0; i < 8; i++) if (a[i] !== b[i]) return a[i] - b[i];
        return 0;
      });
      return keyed.map(([, one]) => one).join(";");
    },
    getClientVersion: () => "1.0",
    dnsDomainLevels: (host) => host.split(".").length - 1,
    shExpMatch: (text, pattern) => typeof text === "string" && typeof pattern === "string"
      ? glob(text, pattern) : glob(String(text), String(pattern)),
    weekdayRange(...words) {
      const [days, at] = clock(words);
      const [first, last = first] = days.map((day) => DAYS.indexOf(day));
      if (days.length < 1 || days.length > 2 || first < 0 || last < 0) return false;
      return between([first], [at.getUTCDay()], [last]);
    },
    dateRange(...words) {
      const [given, at] = clock(words);
      const now = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
      const kinds = given.map(part), half = given.length / 2;
      if (!given.length || kinds.includes(-1)) return false;
      const values = given.map((word, i) => (kinds[i] === 1 ? MONTHS.indexOf(word) : word));
      const ranged = Number.isInteger(half) &&
        kinds.slice(0, half).every((kind, i) => kind === kinds[half + i]);
      if (!ranged) return kinds.every((kind, i) => now[kind] === values[i]);
      const order = kinds.slice(0, half).map((kind, i) => [kind, i]).sort(([a], [b]) => a - b);
      return between(order.map(([, i]) => values[i]), order.map(([kind]) => now[kind]),
                     order.map(([, i]) => values[half + i]));
    },
    timeRange(...words) {
      const [given, at] = clock(words);
      if (![1, 2, 4, 6].includes(given.length) || !given.every(Number.isInteger)) return false;
      if (given.length === 1) return at.getUTCHours() === given[0];
      const half = given.length / 2;
      const whole = (from) => [0, 1, 2].map((i) => (i < half ? given[from + i] : 0));
      const now = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
      return between(whole(0), now, whole(half));
    },
    alert() {},
  };
  for (const name of Object.keys(helpers)) global[name] = helpers[name];

  // `=result`, `?name` that DNS is to be asked for, or `!what is wrong`.
  function said(url, host) {
    let result;
    try {
      if (typeof FindProxyForURL === "function") result = FindProxyForURL(url, host);
      else if (typeof FindProxyForURLEx === "function") result = FindProxyForURLEx(url, host);
      else return "!no function FindProxyForURL";
    } catch (error) {
      if (missed === null) throw error;
    }
    if (missed !== null) return "?" + cut(missed, 0, MOST);
    if (result === null) return "=";
    return typeof result === "string" ? "=" + cut(result, 0, MOST) : "!FindProxyForURL returned no string";
  }

  // The same as JSON: the engine hands out no string that it has not put together yet.
  return function run(words) {
    const order = parse(words);
    found = new Map(order.found);
    own = order.own;
    [utc, local, missed] = [order.utc * 1000, order.local * 1000, null];
    return stringify(said(order.url, order.host));
  };
})();
