import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { declaredRoutes } from './api/declared-routes.ts'
import { Decisions } from './decisions.ts'

const attempt = { actor: '0xa', action: 'ban', target: '0xb' } as const

/** The record of decisions, with the rows that were written and the sentences that were logged. */
function aRecord(query: () => Promise<never[]> = async () => []) {
  const [rows, logged]: [unknown[], string[]] = [[], []]
  const clock = new ManualClock(0)
  const warn = (_: object, sentence: string) => void logged.push(sentence)
  const record = async (_: string, values?: readonly unknown[]) => {
    rows.push(values)
    return query()
  }
  const database = { query: record, transaction: <Result>(work: (query: typeof record) => Promise<Result>) => work(record) }
  return { decisions: new Decisions(database as never, { clock, log: { warn } as unknown as Log }), rows, logged, clock }
}

test('strangers who ask for decisions fill neither the database nor the place of those who may decide; all are in the log', async () => {
  const { decisions, rows, logged, clock } = aRecord()
  for (let n = 0; n < 1_000; n++) await decisions.refused(attempt, 'no', { hasRight: false })
  expect([rows.length, logged.length]).toEqual([100, 1_000])
  await decisions.refused(attempt, 'no', { hasRight: true })
  expect(rows.length).toBe(101)
  clock.advance(60_000)
  for (let n = 0; n < 100; n++) await decisions.refused(attempt, 'no', { hasRight: false })
  expect(rows.length).toBe(107)
})

test('a refusal stands while the database is away, and what the caller wrote is cut', async () => {
  const { decisions, rows, logged } = aRecord(async () => {
    throw new Error('away')
  })
  await decisions.refused({ ...attempt, target: 'x'.repeat(10_000) }, 'no', { hasRight: true })
  expect(rows).toEqual([[0, '0xa', 'ban', 'x'.repeat(256), null, null, 'refused: no']])
  expect(logged).toEqual(['a request to moderate was refused', 'a refused request to moderate could not be recorded'])
})

test('each route by which moderators and administrators of scenes decide has its decision in the record', () => {
  const deciding = declaredRoutes.filter(
    ({ method, path, authentication }) =>
      method !== 'GET' && (authentication === 'moderator' || /^\/scene-(admin|bans)/.test(path)),
  )
  expect(deciding.length).toBeGreaterThan(6)
  expect(deciding.filter(({ decides }) => decides === undefined).map(({ method, path }) => `${method} ${path}`)).toEqual([])
})
