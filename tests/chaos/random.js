// Chance that can be repeated: the same seed and name give the same numbers, whatever others draw meanwhile.

/** A generator of its own for each purpose: `new Random(7, 'schedule')`. */
export class Random {
  constructor(seed, name = '') {
    this.state = mix(`${seed}/${name}`);
  }

  /** 0 ≤ number < 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  shuffled(list) {
    const all = [...list];
    for (let i = all.length - 1; i > 0; i--) {
      const k = this.between(0, i);
      [all[i], all[k]] = [all[k], all[i]];
    }
    return all;
  }
}

/** FNV-1a, 32 bits. */
function mix(text) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
