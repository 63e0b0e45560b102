import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PeerId } from './peer.ts'
import { encodeReportAnswer, MAX_REPORTED_WALLETS, parseReportAnswer, parseSessionReport } from './session-report.ts'

const wallets = fc.stringMatching(/^0x[0-9a-fA-F]{40}$/)
const list = fc.oneof(fc.array(wallets, { maxLength: 20 }), fc.jsonValue())
const lists = ['joined', 'held', 'silent', 'left', 'banned'] as const

test('whatever is sent, a report is wallets in lower case within the limit, or none', () => {
  const body = fc.record({
    connector: fc.oneof(fc.constant('east'), fc.jsonValue()),
    joined: list,
    held: list,
    silent: list,
    left: list,
    banned: list,
  })
  fc.assert(
    fc.property(fc.oneof(body, fc.jsonValue()), (sent) => {
      const report = parseSessionReport(JSON.parse(JSON.stringify(sent)))
      if (!report) return
      const all = lists.flatMap((name) => report[name])
      expect(all.every((wallet) => /^0x[0-9a-f]{40}$/.test(wallet))).toBe(true)
      expect(all.length).toBeLessThanOrEqual(MAX_REPORTED_WALLETS)
      expect(report.connector).toMatch(/^[\w-]{1,64}$/)
    }),
  )
})

test('a report without some of the lists has them empty, also where the prototype of objects has such a name', () => {
  expect(parseSessionReport({ connector: 'east', __proto__: { held: ['0x12'] } })).toEqual({
    ...{ connector: 'east', joined: [], held: [], silent: [], left: [], banned: [] },
  })
})

test('whatever is answered, only finite positions of wallets that were asked for are read', () => {
  const asked = ['0x00000000000000000000000000000000000000aa', '0x00000000000000000000000000000000000000bb'] as PeerId[]
  const position = fc.oneof(fc.array(fc.double(), { minLength: 2, maxLength: 4 }), fc.jsonValue())
  const positions = fc.dictionary(fc.oneof(fc.constantFrom(...asked), wallets, fc.constant('__proto__')), position)
  fc.assert(
    fc.property(fc.oneof(fc.record({ relay: fc.oneof(fc.constant('r'), fc.jsonValue()), positions }), fc.jsonValue()), (sent) => {
      const answer = parseReportAnswer(JSON.parse(JSON.stringify(sent)), asked)
      for (const [wallet, { x, y, z }] of answer?.positions ?? []) {
        expect(asked).toContain(wallet)
        expect([x, y, z].every(Number.isFinite)).toBe(true)
      }
    }),
  )
})

test('of the wallets without a session in an answer only wallets are read, and a hundred at most', () => {
  const wallets = Array.from({ length: 150 }, (_, i) => `0x${i.toString(16).padStart(40, '0')}`)
  const read = (unreported: unknown) => parseReportAnswer({ relay: 'r', positions: {}, unreported }, [])?.unreported
  expect(read(wallets)).toEqual(wallets.slice(0, 100))
  expect([read(undefined), read('0x'), read([1, null, 'x', wallets[7]])]).toEqual([[], [], [wallets[7]]])
})

test('an answer is read as it was written', () => {
  const wallet: PeerId = '0x00000000000000000000000000000000000000aa'
  const answer = { relay: 'r', positions: new Map([[wallet, { x: -1.5, y: 0, z: 1_000 }]]), unreported: [wallet] }
  expect(parseReportAnswer(JSON.parse(JSON.stringify(encodeReportAnswer(answer))), [wallet])).toEqual(answer)
})
