import fs from 'node:fs';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.PARLEY_CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE_MS = 10_000;

const browsers = new WeakMap(); // test -> promise of its browser

/** One per test: a browser that outlived its test would keep the whole file from ending. */
function browserOf(t) {
  if (!fs.existsSync(CHROMIUM)) throw new Error(`no ${CHROMIUM}: install Debian's chromium, or set PARLEY_CHROMIUM`);
  if (!browsers.has(t)) {
    const started = chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    });
    browsers.set(t, started);
    t.after(async () => (await started).close());
  }
  return browsers.get(t);
}

/** Somebody before a window of their own: other cookies, other storage than all others. */
export class Visitor {
  static async open(t, origin, { width = 1200, height = 800, isPhone = false } = {}) {
    const browser = await browserOf(t);
    const context = await browser.newContext({ viewport: { width, height }, hasTouch: isPhone, isMobile: isPhone });
    const visitor = new Visitor(await context.newPage(), origin);
    await visitor.page.goto(origin);
    return visitor;
  }

  constructor(page, origin) {
    this.page = page;
    this.origin = origin;
    this.complaints = []; // what the page wrote as an error, and sockets that it opened
    this.sockets = [];
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (line) => line.type() === 'error' && this.onErrorLine(line.text()));
    page.on('websocket', (socket) => this.sockets.push(socket.url()));
    page.on('dialog', (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
  }

  /* Who opens the page is asked for a session first: 401 is the plain answer when there is none. */
  onErrorLine(text) {
    if (!text.includes('status of 401')) this.complaints.push(text);
  }

  /** The elements of a data-testid. */
  the(name) {
    return this.page.getByTestId(name);
  }

  async register(login, name) {
    await this.the('register-toggle').click();
    await this.the('login').fill(login);
    await this.the('name').fill(name);
    await this.the('password').fill('correct horse');
    await this.the('submit').click();
    await this.the('chat-list').waitFor();
  }

  async logIn(login) {
    await this.the('login').fill(login);
    await this.the('password').fill('correct horse');
    await this.the('submit').click();
    await this.the('chat-list').waitFor();
  }

  /** Makes a room and opens it; answers its id. */
  async makeRoom(name, kind = 'private') {
    await this.the('new-room').click();
    await this.the('tab-room').click();
    await this.the('room-name').fill(name);
    await this.the(`kind-${kind}`).check({ force: true });
    await this.the('create-room').click();
    await this.the('room-title').filter({ hasText: name }).waitFor(); // the room before has a composer too
    await this.the('composer').waitFor();
    return await this.the('chat-item').filter({ hasText: name }).getAttribute('data-room-id');
  }

  async joinRoom(slug) {
    await this.the('new-room').click();
    await this.the('tab-join').click();
    await this.the('join-slug').fill(slug);
    await this.the('join-room').click();
    await this.the('composer').waitFor();
  }

  async openRoom(id) {
    await this.chatItem(id).click();
    await this.the('composer').waitFor();
  }

  chatItem(id) {
    return this.page.locator(`[data-testid=chat-item][data-room-id="${id}"]`);
  }

  async say(text) {
    await this.the('composer').fill(text);
    await this.the('send').click();
  }

  /** Texts of the messages on screen, oldest first. */
  texts() {
    return this.the('message-text').allInnerTexts();
  }

  /** Waits until `probe(this)` answers truthy. */
  async until(probe, label) {
    const end = Date.now() + PATIENCE_MS;
    for (let last; ; ) {
      last = await probe(this);
      if (last) return last;
      if (Date.now() > end) throw new Error(`not on the page: ${label}; texts: ${JSON.stringify(await this.texts())}`);
      await this.page.waitForTimeout(20);
    }
  }

  async untilTexts(expected) {
    const same = async () => JSON.stringify(await this.texts()) === JSON.stringify(expected);
    await this.until(same, JSON.stringify(expected));
  }
}
