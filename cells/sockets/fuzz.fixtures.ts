import fc from 'fast-check'

/** `FUZZ_RUNS` makes a run longer; the seed is fixed, so that a failure of the suite can be repeated. */
export const fuzzSettings = { numRuns: Number(process.env.FUZZ_RUNS ?? 150), seed: 20_261_128 }

/** Frames that a hostile client may send: random bytes, and valid packets that are flipped, cut, joined or announce a huge field. */
export function hostileBytes(valid: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const packet = fc.constantFrom(...valid)
  const flips = fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 6 })
  return fc.oneof(
    packet,
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 10_000, maxLength: 20_000, size: 'max' }),
    fc.tuple(packet, flips).map(([bytes, changes]) => {
      const flipped = Uint8Array.from(bytes)
      for (const [at, mask] of changes) flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ mask
      return flipped
    }),
    fc.tuple(packet, fc.nat(2_000)).map(([bytes, length]) => bytes.slice(0, length % bytes.length)),
    fc.tuple(packet, packet).map(([one, other]) => Buffer.concat([one, other])),
    // A field that announces more bytes than there are: tag, a length of up to 2^35, the packet.
    fc
      .tuple(fc.integer({ min: 1, max: 15 }), packet)
      .map(([field, bytes]) => Buffer.concat([Buffer.from([(field << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x7f]), bytes])),
  )
}
