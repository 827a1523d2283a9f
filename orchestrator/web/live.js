// The first page: what is on the air, what comes next, and one service's live timing.
//
// One module, no library. It joins the router as anybody does (WAMP over WebSocket, wamp.2.json), and shows what it
// hears. Whatever comes from there is untrusted: it reaches the page through textContent and checked attributes only.
// Everything above "the page" also runs without a document, for its tests.

const REALM = "timing";
const DIRECTORY = "livetiming.directory";
const SCHEDULER = "livetiming.scheduler";
const SERVICE = "livetiming.service.";
const IS_ALIVE = "livetiming.service.isAlive.";
const LIST_SERVICES = "livetiming.directory.listServices";
const SCHEDULE_LIST = "livetiming.schedule.list";

const LARGEST_STATE = 8_000_000; // characters of an unpacked state
const LARGEST_NUMBER = 1e9; // more is nonsense
const CELL_LIMIT = 60; // characters
const LINE_LIMIT = 300;
const SERVICES_LIMIT = 200;
const ROWS_LIMIT = 500;
const MESSAGES_SHOWN = 30;
const NEXT_SHOWN = 50;

// -- LZ-String

/** The text that LZ-String's compressToUTF16 made `packed` of (15 bits a character); RangeError if it is none. */
export function decompressFromUTF16(packed, limit = LARGEST_STATE) {
  let read = 0;
  let unit = 0;
  let mask = 0;
  const bits = (count) => {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1) {
      if (mask === 0) {
        if (read >= packed.length) throw new RangeError("a compressed text that ends early");
        unit = packed.charCodeAt(read) - 32;
        read += 1;
        mask = 1 << 14;
      }
      if (unit & mask) value |= 1 << bit;
      mask >>= 1;
    }
    return value;
  };
  // Codes 0 and 1 announce a new character of 8 or 16 bits, 2 the end; the rest are entries of the dictionary.
  const entries = ["", "", ""];
  let width = 2;
  let free = 1; // entries until codes get one bit longer
  const entered = (text) => {
    entries.push(text);
    free -= 1;
    if (free === 0) {
      free = 2 ** width;
      width += 1;
    }
  };
  const parts = [];
  let length = 0;
  let last = "";
  for (;;) {
    let code = bits(width);
    if (code === 2) return parts.join("");
    if (code < 2) {
      const character = String.fromCharCode(bits(code === 0 ? 8 : 16));
      code = entries.length;
      entered(character);
    }
    const text = code < entries.length ? entries[code] : last + last.charAt(0);
    if (code > entries.length || text === "") throw new RangeError("a code that means nothing");
    length += text.length;
    if (length > limit) throw new RangeError(`a text of more than ${limit} characters`);
    parts.push(text);
    if (last !== "") entered(last + text.charAt(0));
    last = text;
  }
}

// -- the wire

/** The payload of an envelope and its class; null where there is none. */
export function envelope(raw) {
  if (raw === null || typeof raw !== "object" || typeof raw.msgClass !== "number") return null;
  return { msgClass: raw.msgClass, payload: raw.payload };
}

/** The state in a message of class 4 or 8, with all its parts; null where there is none. */
export function stateOf(raw) {
  const message = envelope(raw);
  if (message === null || (message.msgClass !== 4 && message.msgClass !== 8)) return null;
  let state = message.payload;
  if (message.msgClass === 8) {
    if (typeof state !== "string") return null;
    try {
      state = JSON.parse(decompressFromUTF16(state));
    } catch (error) {
      console.warn("a state that cannot be read:", error.message);
      return null;
    }
  }
  if (state === null || typeof state !== "object") return null;
  const list = (value) => (Array.isArray(value) ? value : []);
  return {
    cars: list(state.cars).filter(Array.isArray),
    session: state.session !== null && typeof state.session === "object" ? state.session : {},
    messages: list(state.messages).filter(Array.isArray),
    highlight: list(state.highlight),
  };
}

export const isUuid = (text) => typeof text === "string" && /^[0-9a-f]{32}$/.test(text);

/** The manifests in a listing, by uuid; those that make no sense are left out. */
export function manifestsOf(payload) {
  const listed = new Map();
  for (const raw of Array.isArray(payload) ? payload.slice(0, SERVICES_LIMIT) : []) {
    if (raw === null || typeof raw !== "object" || !isUuid(raw.uuid)) continue;
    const spec = Array.isArray(raw.colSpec) ? raw.colSpec.slice(0, 200) : [];
    const strings = (value) => (Array.isArray(value) ? value.slice(0, 50).map((item) => clean(item)) : []);
    listed.set(raw.uuid, {
      uuid: raw.uuid,
      name: clean(raw.name, LINE_LIMIT),
      description: clean(raw.description, LINE_LIMIT),
      serviceClass: clean(raw.serviceClass),
      columns: spec.map((column) => columnOf(Array.isArray(column) ? column : [])),
      trackDataSpec: strings(raw.trackDataSpec),
    });
  }
  return listed;
}

/** The upcoming sessions in a listing, by their start. */
export function sessionsOf(payload) {
  const listed = [];
  for (const raw of Array.isArray(payload) ? payload.slice(0, 1000) : []) {
    if (raw === null || typeof raw !== "object" || numberOf(raw.startTime, 1e11) === null) continue;
    listed.push({ start: raw.startTime, name: clean(raw.name, LINE_LIMIT), service: clean(raw.service) });
  }
  return listed.sort((one, other) => one.start - other.start).slice(0, NEXT_SHOWN);
}

// -- text

/** `value` as one line of at most `limit` characters, without control and formatting characters. */
export function clean(value, limit = CELL_LIMIT) {
  if (typeof value !== "string") return "";
  const kept = value.slice(0, 4 * limit).replace(/\s+/gu, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, "").trim();
  const characters = Array.from(kept);
  return characters.length <= limit ? kept : `${characters.slice(0, limit - 1).join("")}…`;
}

/** `value` where it is a number that can be shown, else null. */
export function numberOf(value, largest = LARGEST_NUMBER) {
  return typeof value === "number" && Math.abs(value) < largest ? value : null;
}

/** 92.981 as 1:32.981, from an hour on 1:00:00.000. */
export function lapTime(seconds) {
  const millis = Math.round(seconds * 1000);
  const minutes = Math.floor(millis / 60_000) % 60;
  const hours = Math.floor(millis / 3_600_000);
  const rest = ((millis % 60_000) / 1000).toFixed(3).padStart(6, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** 5025.9 as 1:23:45. */
export function clock(seconds) {
  const whole = Math.trunc(Math.abs(seconds));
  const two = (value) => String(value).padStart(2, "0");
  return `${seconds <= -1 ? "-" : ""}${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

const CLOCK_RUNS_ON = 60; // seconds without a state after which the clock is left standing

/** What the session's clocks say `age` seconds after its state came. */
export function clocks(session, age) {
  const passed = session.pauseClocks ? 0 : Math.min(Math.max(age, 0), CLOCK_RUNS_ON);
  const parts = [];
  const elapsed = numberOf(session.timeElapsed);
  const remain = numberOf(session.timeRemain);
  const laps = numberOf(session.lapsRemain);
  if (elapsed !== null) parts.push(`${clock(elapsed + passed)} elapsed`);
  if (remain !== null) parts.push(`${clock(Math.max(0, remain - passed))} to go`);
  if (laps !== null) parts.push(laps === 1 ? "last lap" : `${Math.round(laps)} laps to go`);
  return parts.join(" · ");
}

const FLAGS = {
  none: "No flag",
  green: "Green",
  white: "White",
  chequered: "Chequered",
  yellow: "Yellow",
  fcy: "Full course yellow",
  code_60: "Code 60",
  vsc: "Virtual safety car",
  sc: "Safety car",
  caution: "Caution",
  red: "Red",
  slow_zone: "Slow zone",
  code_60_zone: "Code 60 zone",
};

/** The key of the session's flag in FLAGS. */
export function flagOf(session) {
  const flag = typeof session.flagState === "string" ? session.flagState.toLowerCase() : "none";
  return Object.hasOwn(FLAGS, flag) ? flag : "none";
}

// -- columns and cells

const KINDS = ["class", "numeric", "delta", "laptime", "time"];
const HEADINGS = { Num: "text", State: "state", Class: "class", Gap: "delta", Int: "delta", Last: "laptime", Best: "laptime" };

function columnOf([heading, type, description]) {
  const title = clean(heading, 24);
  const known = Object.hasOwn(HEADINGS, title) ? HEADINGS[title] : null;
  return { heading: title, description: clean(description), kind: known ?? (KINDS.includes(type) ? type : "text") };
}

const MARKS = { sb: "best of the session", "sb-new": "best of the session", pb: "personal best", old: "" };
const RANKS = { bronze: "B", silver: "S", gold: "G", platinum: "P" };

/** What stands in a cell: `{text, mark}`, the mark one of MARKS or empty. */
export function cellOf(value, kind) {
  const [first, second] = Array.isArray(value) ? value : [value, ""];
  const amount = numberOf(first);
  if (amount === null) {
    const text = clean(first);
    const rank = typeof second === "string" && Object.hasOwn(RANKS, second) ? RANKS[second] : "";
    return { text: text && rank ? `${text} (${rank})` : text, mark: "" };
  }
  const mark = typeof second === "string" && Object.hasOwn(MARKS, second) ? second : "";
  return { text: numberText(amount, kind), mark };
}

function numberText(amount, kind) {
  if (kind === "laptime" || kind === "time") {
    if (amount <= 0) return ""; // feeds write 0 for no time
    return kind === "time" && amount < 59.9995 ? amount.toFixed(3) : lapTime(amount);
  }
  const rounded = Math.round(amount * 1000) / 1000 || 0; // || 0: there is no -0
  return kind === "delta" ? rounded.toFixed(3) : String(rounded);
}

/** The number of the first car and who drives it. */
export function leaderOf(columns, cars) {
  if (cars.length === 0) return "";
  const text = (heading) => {
    const index = columns.findIndex((column) => column.heading === heading);
    return index < 0 ? "" : cellOf(cars[0][index], "text").text;
  };
  return [text("Num"), text("Driver") || text("Team") || text("Car")].filter(Boolean).join(" ");
}

/** A colour's number for each class: the same for the same name, unless two names would share it. */
export function classColours(names) {
  const taken = new Map();
  for (const name of [...new Set(names)].sort()) {
    let hash = 0;
    for (const character of name) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
    const order = Array.from({ length: 8 }, (_, step) => (hash + step) % 8);
    const used = new Set(taken.values());
    taken.set(name, order.find((colour) => !used.has(colour)) ?? order[0]);
  }
  return taken;
}

// -- WAMP

const HELLO = 1, WELCOME = 2, ABORT = 3, GOODBYE = 6, ERROR = 8, SUBSCRIBE = 32, SUBSCRIBED = 33;
const UNSUBSCRIBE = 34, UNSUBSCRIBED = 35, EVENT = 36, CALL = 48, RESULT = 50;
const FIRST_DELAY = 500; // ms
const LONGEST_DELAY = 15_000;
const ANSWER_TIME = 10_000;
const SILENCE = 30_000; // a browser does not show us the router's pings: after so long without a word we ask

/** A seat on the router at `url`: it comes back by itself, with all its subscriptions. */
export class Router {
  /** `onChange(joined)` is told of joins and losses. */
  constructor(url, onChange) {
    this.url = url;
    this.onChange = onChange;
    this.topics = new Map(); // topic -> {handler, id}
    this.subscriptions = new Map(); // id -> topic
    this.requests = new Map(); // request -> {resolve, reject, timer}
    this.request = 0;
    this.attempts = 0;
    this.joined = false;
    this.socket = null;
    this.retry = null;
    this.silence = null;
  }

  /** Join, and stay. */
  start() {
    clearTimeout(this.retry);
    const socket = new WebSocket(this.url, ["wamp.2.json"]);
    this.socket = socket;
    this.attempts += 1;
    const opening = setTimeout(() => this.lost(socket), ANSWER_TIME);
    socket.onopen = () => this.send([HELLO, REALM, { roles: { subscriber: {}, caller: {} }, authmethods: ["anonymous"] }]);
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      clearTimeout(opening);
      this.listen();
      try {
        this.receive(JSON.parse(event.data));
      } catch (error) {
        console.error("what the router said could not be handled:", error);
      }
    };
    socket.onclose = () => {
      clearTimeout(opening);
      this.lost(socket);
    };
  }

  /** Try at once, where we are waiting to try again. */
  hurry() {
    if (this.socket !== null) return;
    this.attempts = 0;
    this.start();
  }

  /** `handler(argument)` gets each event of `topic`, and first the one that the router keeps. */
  subscribe(topic, handler) {
    this.topics.set(topic, { handler, id: null });
    if (this.joined) this.askFor(topic);
  }

  unsubscribe(topic) {
    const id = this.topics.get(topic)?.id ?? null;
    this.topics.delete(topic);
    if (id === null || !this.joined) return;
    this.subscriptions.delete(id);
    this.ask((request) => [UNSUBSCRIBE, request, id]).catch(complain);
  }

  /** What `uri` answers. */
  async call(uri, ...args) {
    const answer = await this.ask((request) => [CALL, request, {}, uri, args]);
    return answer[3]?.[0];
  }

  // -- inside

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** Send a request; what `take` makes of the answer, at once: what follows it may need that. */
  ask(message, take = (answer) => answer) {
    if (this.socket === null || this.socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("not joined to the router"));
    }
    this.request += 1;
    const request = this.request;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.requests.delete(request);
        reject(new Error("no answer"));
      }, ANSWER_TIME);
      this.requests.set(request, { take: (answer) => resolve(take(answer)), reject, timer });
      this.send(message(request));
    });
  }

  answered(request) {
    const asked = this.requests.get(request);
    this.requests.delete(request);
    clearTimeout(asked?.timer);
    return asked;
  }

  askFor(topic) {
    const subscribed = ([, , id]) => {
      const wanted = this.topics.get(topic);
      if (wanted === undefined) return this.ask((request) => [UNSUBSCRIBE, request, id]); // not wanted any more
      wanted.id = id;
      this.subscriptions.set(id, topic);
      return null;
    };
    this.ask((request) => [SUBSCRIBE, request, { get_retained: true }, topic], subscribed).catch(complain);
  }

  receive(message) {
    switch (message[0]) {
      case WELCOME:
        this.joined = true;
        this.attempts = 0;
        for (const topic of this.topics.keys()) this.askFor(topic);
        this.onChange(true);
        break;
      case ABORT:
      case GOODBYE:
        this.socket.close();
        break;
      case EVENT:
        this.topics.get(this.subscriptions.get(message[1]))?.handler(message[4]?.[0]);
        break;
      case SUBSCRIBED:
      case UNSUBSCRIBED:
      case RESULT:
        this.answered(message[1])?.take(message);
        break;
      case ERROR:
        this.answered(message[2])?.reject(new Error(String(message[4])));
        break;
      default:
        break;
    }
  }

  /** A router that says nothing is asked something; one that does not answer is left. */
  listen() {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => {
      if (!this.joined) return;
      this.call(SCHEDULE_LIST).catch(() => undefined);
      this.silence = setTimeout(() => this.lost(socket), ANSWER_TIME);
    }, SILENCE);
  }

  lost(socket) {
    if (this.socket !== socket) return;
    this.socket = null;
    this.joined = false;
    clearTimeout(this.silence);
    socket.close();
    for (const { reject, timer } of this.requests.values()) {
      clearTimeout(timer);
      reject(new Error("the router is away"));
    }
    this.requests.clear();
    this.subscriptions.clear();
    for (const wanted of this.topics.values()) wanted.id = null;
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 1.7 ** Math.min(this.attempts, 20));
    this.retry = setTimeout(() => this.start(), delay * (0.5 + Math.random() / 2));
    this.onChange(false);
  }
}

function complain(error) {
  console.warn(error.message);
}

// -- the page

const REDRAW = 250; // ms between two drawings
const TICK = 1000; // ms: clocks go on
const FOLLOWED_LIMIT = 50; // services whose states the overview follows
const PATIENCE = 3000; // ms for what the router keeps; after that we ask
const LOOK_EVERY = 10_000; // ms: whether a service that is not listed is still there

const messageTime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const startTime = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
const relativeTime = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** `seconds` from now, in words. */
export function relative(seconds) {
  if (seconds < 60) return seconds < 0 ? "about to start" : "in less than a minute";
  if (seconds < 90 * 60) return relativeTime.format(Math.round(seconds / 60), "minute");
  if (seconds < 36 * 3600) return relativeTime.format(Math.round(seconds / 3600), "hour");
  return relativeTime.format(Math.round(seconds / 86_400), "day");
}

const titleOf = (manifest) => manifest.description || manifest.name || manifest.uuid;
const factsOf = (manifest) => [manifest.name, manifest.serviceClass].filter((text, at, all) => text && all.indexOf(text) === at && text !== titleOf(manifest)).join(" · ");

/** The states of one service: the newest is unpacked when it is looked at. */
class Feed {
  constructor() {
    this.raw = null;
    this.state = null;
    this.came = 0; // ms on the page's clock
  }

  heard(raw) {
    this.raw = raw;
    this.came = performance.now();
  }

  look() {
    if (this.raw !== null) {
      this.state = stateOf(this.raw) ?? this.state;
      this.raw = null;
    }
    return this.state;
  }

  get age() {
    return (performance.now() - this.came) / 1000;
  }
}

const find = (selector, parent = document) => parent.querySelector(selector);

/** A new element with text in it and checked attributes. */
function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

/** Change text or attribute only where it is another: nothing is said twice, no selection is lost. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (value === "") node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

class Page {
  constructor() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.router = new Router(`${scheme}//${location.host}/ws`, (joined) => this.joinedOrLost(joined));
    this.manifests = null; // by uuid; null while no listing has come
    this.sessions = null;
    this.feeds = new Map(); // uuid -> Feed, of those that are followed
    this.cards = new Map(); // uuid -> its list item
    this.watched = null; // uuid of the service shown
    this.shown = null; // its manifest, kept when it has gone
    this.ended = false;
    this.flag = null; // last announced
    this.drawing = null;
    this.drawnAt = 0;
    this.heardListing = false; // since we joined
    this.heardSchedule = false;
  }

  start() {
    this.router.subscribe(DIRECTORY, (raw) => this.heardOf(raw, 5, (payload) => this.takeListing(payload)));
    this.router.subscribe(SCHEDULER, (raw) => this.heardOf(raw, 6, (payload) => this.takeSchedule(payload)));
    addEventListener("hashchange", () => this.route(true));
    addEventListener("online", () => this.router.hurry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.router.hurry();
      this.draw();
    });
    setInterval(() => this.draw(), TICK);
    setInterval(() => this.look(), LOOK_EVERY);
    this.route(false);
    this.router.start();
  }

  // -- what we hear

  heardOf(raw, msgClass, take) {
    const message = envelope(raw);
    if (message?.msgClass === msgClass) take(message.payload);
  }

  takeListing(payload) {
    this.heardListing = true;
    this.manifests = manifestsOf(payload);
    this.follow();
    this.look();
    this.draw();
  }

  takeSchedule(payload) {
    this.heardSchedule = true;
    this.sessions = sessionsOf(payload);
    this.draw();
  }

  joinedOrLost(joined) {
    const connection = find("#connection");
    setAttribute(connection, "data-connection", joined ? "live" : "lost");
    setText(connection, joined ? "Live" : "Connection lost. Trying again.");
    this.heardListing = false;
    this.heardSchedule = false;
    if (joined) setTimeout(() => this.askForListings(), PATIENCE);
  }

  /** Ask for what the router did not keep for us. */
  async askForListings() {
    try {
      if (!this.heardListing) this.takeListing(await this.router.call(LIST_SERVICES));
      if (!this.heardSchedule) this.takeSchedule(await this.router.call(SCHEDULE_LIST));
    } catch (error) {
      complain(error); // they will be published when their programs are there
    }
  }

  /** Follow the services that are shown, and no others. */
  follow() {
    const listed = [...(this.manifests?.keys() ?? [])].slice(0, FOLLOWED_LIMIT);
    const wanted = new Set(this.watched === null ? listed : [this.watched]);
    for (const uuid of this.feeds.keys()) {
      if (wanted.has(uuid)) continue;
      this.router.unsubscribe(SERVICE + uuid);
      this.feeds.delete(uuid);
    }
    for (const uuid of wanted) {
      if (this.feeds.has(uuid)) continue;
      const feed = new Feed();
      this.feeds.set(uuid, feed);
      this.router.subscribe(SERVICE + uuid, (raw) => {
        feed.heard(raw);
        this.draw();
      });
    }
  }

  /** Find out whether the service that we watch is still there. One that is hidden is not listed, but answers. */
  async look() {
    const uuid = this.watched;
    if (uuid === null || this.manifests === null) return;
    let ended = false;
    if (!this.manifests.has(uuid)) {
      if (!this.router.joined) return;
      try {
        ended = (await this.router.call(IS_ALIVE + uuid)) !== true;
      } catch {
        if (!this.router.joined) return; // nobody can know
        ended = true; // an error is the answer of a service that is gone
      }
    }
    if (uuid === this.watched && ended !== this.ended) {
      this.ended = ended;
      this.draw();
    }
  }

  // -- where we are

  route(moved) {
    const uuid = location.hash.slice(1);
    const watched = isUuid(uuid) ? uuid : null;
    if (watched !== this.watched || !moved) {
      this.watched = watched;
      this.shown = null;
      this.ended = false;
      this.flag = null;
      this.follow();
      this.look();
    }
    find("#overview").hidden = watched !== null;
    find("#service").hidden = watched === null;
    this.drawNow();
    if (moved) {
      scrollTo(0, 0);
      if (watched !== null) find("#service-title").focus();
    }
  }

  // -- drawing

  /** Draw soon; often asked, seldom done. */
  draw() {
    if (this.drawing !== null || document.hidden) return;
    const wait = Math.max(0, this.drawnAt + REDRAW - performance.now());
    this.drawing = setTimeout(() => this.drawNow(), wait);
  }

  drawNow() {
    clearTimeout(this.drawing);
    this.drawing = null;
    this.drawnAt = performance.now();
    if (this.watched === null) {
      document.title = "Live timing";
      this.drawAir();
      this.drawNext();
    } else {
      this.drawService();
    }
  }

  drawAir() {
    const listed = this.manifests;
    if (listed === null) return;
    setText(find("#air-note"), listed.size === 0 ? "Nothing is on the air." : "");
    const list = find("#air");
    for (const [uuid, card] of this.cards) {
      if (listed.has(uuid)) continue;
      card.remove();
      this.cards.delete(uuid);
    }
    let place = list.firstElementChild;
    for (const [uuid, manifest] of listed) {
      const card = this.cards.get(uuid) ?? newCard(uuid);
      this.cards.set(uuid, card);
      if (card === place) place = card.nextElementSibling;
      else list.insertBefore(card, place);
      this.drawCard(card, manifest, this.feeds.get(uuid));
    }
  }

  drawCard(card, manifest, feed) {
    const state = feed?.look() ?? null;
    setText(find("a", card), titleOf(manifest));
    setText(find(".facts", card), factsOf(manifest));
    drawFlag(find(".flag", card), state, feed?.age ?? 0);
    find("dl", card).hidden = state === null || state.cars.length === 0;
    if (state === null) return;
    setText(find(".leader", card), leaderOf(manifest.columns, state.cars));
    setText(find(".cars", card), String(state.cars.length));
  }

  drawNext() {
    if (this.sessions === null) return;
    const now = Date.now() / 1000;
    const coming = this.sessions.filter((session) => session.start > now - 60);
    setText(find("#next-note"), coming.length === 0 ? "Nothing is planned." : "");
    const table = find("#next");
    table.hidden = coming.length === 0;
    const body = find("tbody", table);
    while (body.rows.length > coming.length) body.deleteRow(-1);
    coming.forEach((session, index) => drawSession(body.rows[index] ?? newSession(body), session, now));
  }

  drawService() {
    const feed = this.feeds.get(this.watched);
    const state = feed?.look() ?? null;
    this.shown = this.manifests?.get(this.watched) ?? this.shown;
    const manifest = this.shown ?? { uuid: this.watched, name: "", description: "", serviceClass: "", columns: [], trackDataSpec: [] };
    document.title = `${titleOf(manifest)} – Live timing`;
    setText(find("#service-title"), titleOf(manifest));
    setText(find("#service-facts"), factsOf(manifest));
    const waiting = state === null ? "Waiting for the first state." : "";
    setText(find("#service-note"), this.ended ? (state ? "This service has ended." : "This service is not on the air.") : waiting);
    drawFlag(find("#service-flag"), state, this.ended ? 0 : feed?.age ?? 0);
    setText(find("#service-track"), state === null ? "" : trackData(manifest, state.session));
    drawOrder(find("#order"), manifest, state);
    drawMessages(find("#messages"), state);
    this.announce(state);
  }

  /** Say a change of the flag, and nothing else, to those who do not see it. */
  announce(state) {
    if (state === null) return;
    const flag = flagOf(state.session);
    if (this.flag !== null && this.flag !== flag) setText(find("#announcer"), `Flag: ${FLAGS[flag]}`);
    this.flag = flag;
  }
}

function newCard(uuid) {
  const card = element("li");
  const heading = element("h3");
  heading.append(element("a", "", { href: `#${uuid}` }));
  const flag = element("div", "", { class: "flag" });
  flag.append(element("span", "", { class: "flag-name" }), " ", element("span", "", { class: "clock" }));
  const facts = element("dl");
  facts.append(element("dt", "Leader"), element("dd", "", { class: "leader" }));
  facts.append(element("dt", "Cars"), element("dd", "", { class: "cars" }));
  card.append(heading, element("p", "", { class: "facts" }), flag, facts);
  return card;
}

function drawFlag(node, state, age) {
  node.hidden = state === null;
  if (state === null) return;
  const flag = flagOf(state.session);
  setAttribute(node, "data-flag", flag);
  setText(find(".flag-name", node), FLAGS[flag]);
  setText(find(".clock", node), clocks(state.session, age));
}

function newSession(body) {
  const row = body.insertRow();
  const starts = element("td");
  starts.append(element("time"), element("span", "", { class: "relative" }));
  row.append(starts, element("th", "", { scope: "row" }), element("td"));
  return row;
}

function drawSession(row, session, now) {
  const starts = new Date(session.start * 1000);
  const time = find("time", row);
  setAttribute(time, "datetime", starts.toISOString());
  setText(time, startTime.format(starts));
  setText(find(".relative", row), relative(session.start - now));
  setText(row.cells[1], session.name);
  setText(row.cells[2], session.service);
}

function trackData(manifest, session) {
  const values = Array.isArray(session.trackData) ? session.trackData.slice(0, 20) : [];
  const parts = values.map((value, index) => {
    const text = cellOf(value, "numeric").text;
    const heading = manifest.trackDataSpec[index];
    return text && heading ? `${heading}: ${text}` : text;
  });
  return parts.filter(Boolean).join(" · ");
}

const isNumber = (kind) => !["text", "class", "state"].includes(kind);

function drawOrder(table, manifest, state) {
  const cars = state?.cars.slice(0, ROWS_LIMIT) ?? [];
  const unnamed = (cars[0] ?? []).slice(0, 100).map(() => ({ heading: "", description: "", kind: "text" }));
  const columns = manifest.columns.length > 0 ? manifest.columns : unnamed;
  drawHeadings(table.tHead.rows[0], columns);
  const body = table.tBodies[0];
  while (body.rows.length > cars.length) body.deleteRow(-1);
  const texts = cars.map((car) => columns.map((column, index) => cellOf(car[index], column.kind)));
  const named = columns.findIndex((column) => column.heading === "Num");
  const news = new Set(state?.highlight.slice(0, 100) ?? []);
  const colours = classColours(
    columns.flatMap((column, index) => (column.kind === "class" ? texts.map((cells) => cells[index].text) : [])),
  );
  texts.forEach((cells, place) => {
    const row = body.rows[place] ?? body.insertRow();
    setAttribute(row, "class", named >= 0 && news.has(cells[named].text) ? "news" : "");
    fitRow(row, columns, named);
    setText(row.cells[0], String(place + 1));
    cells.forEach((cell, index) => drawCell(row.cells[index + 1], cell, columns[index].kind, colours));
  });
}

function drawHeadings(row, columns) {
  const wanted = JSON.stringify(columns);
  if (row.dataset.columns === wanted) return;
  row.dataset.columns = wanted;
  row.replaceChildren(element("th", "Pos", { scope: "col", class: "number", title: "Position" }));
  for (const { heading, description, kind } of columns) {
    const cell = element("th", heading, { scope: "col" });
    if (description) cell.title = description;
    if (isNumber(kind)) cell.className = "number";
    row.append(cell);
  }
  row.closest("table").tBodies[0].replaceChildren();
}

function fitRow(row, columns, named) {
  if (row.cells.length === columns.length + 1) return;
  row.replaceChildren(element("td", "", { class: "number place" }));
  columns.forEach(({ kind }, index) => {
    const cell = index === named ? element("th", "", { scope: "row" }) : element("td");
    if (isNumber(kind)) cell.className = "number";
    row.append(cell);
  });
}

function drawCell(node, cell, kind, colours) {
  const spoken = cell.text && MARKS[cell.mark] ? ` (${MARKS[cell.mark]})` : "";
  if (node.textContent !== cell.text + spoken) {
    node.textContent = cell.text;
    if (spoken) node.append(element("span", spoken, { class: "unseen" }));
  }
  setAttribute(node, "data-mark", cell.mark);
  if (kind === "state") setAttribute(node, "data-state", cell.text);
  if (kind === "class") setAttribute(node, "data-class", cell.text ? String(colours.get(cell.text)) : "");
}

const TYPES = ["green", "yellow", "red", "white", "track", "code60", "pit", "out", "pb", "sb", "raceControl"];

function drawMessages(list, state) {
  const messages = state?.messages.slice(0, MESSAGES_SHOWN) ?? [];
  const wanted = JSON.stringify(messages);
  if (list.dataset.messages === wanted) return;
  list.dataset.messages = wanted;
  list.replaceChildren(
    ...messages.map(([at, category, text, type]) => {
      const item = element("li", "", TYPES.includes(type) ? { "data-type": type } : {});
      const seconds = numberOf(at, 1e11);
      const when = seconds === null ? null : new Date(seconds * 1000);
      item.append(
        when ? element("time", messageTime.format(when), { datetime: when.toISOString() }) : element("span"),
        element("span", clean(category, 24), { class: "category" }),
        element("span", clean(text, LINE_LIMIT)),
      );
      return item;
    }),
  );
}

if (typeof document !== "undefined") new Page().start();
