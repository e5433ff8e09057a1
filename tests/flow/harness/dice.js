/** Reproducible chance (xorshift32): `roll(sides)` answers 0 to sides - 1. */
export function dice(seed) {
  let state = seed || 1;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

/** The seed of a test by chance, printed so that the same run can be had again. */
export function seedOf(t) {
  const seed = Number(process.env.PARLEY_TEST_SEED ?? Date.now() % 1e9);
  t.diagnostic(`PARLEY_TEST_SEED=${seed}`);
  return seed;
}
