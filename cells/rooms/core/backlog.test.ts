import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultLimits } from '../limits.ts'
import { Backlog } from './backlog.ts'

const KIB = 1024
const { backlog: limits, bytes: rate, reliableBufferBytes, maxMessageBytes } = defaultLimits

/** A receiver that reads `bytesPerSecond`; senders send bytes a second each, in updates of `updateBytes`. */
function simulate({
  bytesPerSecond,
  sending,
  seconds,
  updateBytes = 4 * KIB,
}: {
  bytesPerSecond: number
  sending: readonly number[]
  seconds: number
  updateBytes?: number
}) {
  const backlog = new Backlog(limits)
  const received = sending.map(() => 0)
  let [unsent, highest, isTooSlow] = [0, 0, false]
  for (let ms = 0; ms < seconds * 1_000 && !isTooSlow; ms += 100) {
    unsent = Math.max(0, unsent - bytesPerSecond / 10)
    for (const [sender, perSecond] of sending.entries()) {
      for (let sent = 0; sent < perSecond / 10; sent += updateBytes) {
        const verdict = backlog.admit(sender, updateBytes, unsent, ms)
        isTooSlow ||= verdict === 'too_slow'
        if (verdict !== 'send') continue
        received[sender] = (received[sender] ?? 0) + updateBytes
        unsent += updateBytes
        highest = Math.max(highest, unsent)
      }
    }
  }
  return { received, highest, isTooSlow }
}

describe('the buffer of a receiver', () => {
  test('a reader of 100 KiB/s stays while a member sends 1 MiB, and gets every update of the others', () => {
    const { received, highest, isTooSlow } = simulate({
      bytesPerSecond: 100 * KIB,
      sending: [rate.perSecond * 4, 4 * KIB],
      seconds: 20,
      updateBytes: KIB,
    })
    expect(isTooSlow).toBe(false)
    expect(highest).toBeLessThan(reliableBufferBytes * 0.75)
    expect(received[1]).toBe(20 * 10 * KIB)
  })

  test('is not filled by any number of senders, and a reader catches up again and again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 64, max: maxMessageBytes }),
        (sending, updateBytes) => {
          const { highest, isTooSlow } = simulate({
            ...{ bytesPerSecond: 100 * KIB, seconds: 60, updateBytes },
            sending: sending.map((times) => times * 32 * KIB),
          })
          expect(isTooSlow).toBe(false)
          expect(highest).toBeLessThanOrEqual(reliableBufferBytes)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('a sender alone gets half of what may wait', () => {
    const backlog = new Backlog({ calmBytes: 10, behindBytes: 100, behindMs: 1_000 })
    expect([backlog.admit(1, 50, 11, 0), backlog.admit(1, 1, 61, 0)]).toEqual(['send', 'drop'])
    expect([backlog.admit(2, 25, 61, 0), backlog.admit(2, 1, 86, 0)]).toEqual(['send', 'drop'])
    // Until the receiver has caught up, what was sent in the meantime does not count as free.
    expect([backlog.admit(1, 1, 11, 999), backlog.admit(1, 1, 10, 999), backlog.admit(1, 50, 11, 999)]).toEqual([
      'drop',
      'send',
      'send',
    ])
  })

  test('a receiver that never catches up is too slow, whichever member sends', () => {
    const { isTooSlow } = simulate({ bytesPerSecond: 0, sending: [10 * KIB], seconds: 60 })
    expect(isTooSlow).toBe(true)
    const backlog = new Backlog({ calmBytes: 10, behindBytes: 100, behindMs: 1_000 })
    expect([backlog.admit(1, 1, 11, 0), backlog.admit(2, 1, 11, 1_000)]).toEqual(['send', 'too_slow'])
  })
})

test('what one member may send at once is well below what a receiver may have waiting', () => {
  expect(rate.burst + maxMessageBytes).toBeLessThanOrEqual(limits.calmBytes + limits.behindBytes / 2)
  expect((limits.calmBytes + limits.behindBytes) * 1.5).toBeLessThanOrEqual(reliableBufferBytes)
})
