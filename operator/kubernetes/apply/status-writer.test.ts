import { expect, test } from 'vitest'
import { silentLog } from '../../../cells/chassis/log.ts'
import type { Condition } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import type { WriteParts } from './child-writer.ts'
import { LastApplied } from './last-applied.ts'
import { StatusWriter } from './status-writer.ts'
import type { ReportedStatus } from './transition-times.ts'

const statusOf = (...conditions: [string, Condition['status'], string][]) =>
  ({
    conditions: conditions.map(([type, status, reason]) => ({ type, status, reason, message: 'why', lastTransitionTime: '' })),
  }) as unknown as ReportedStatus

test('a change of Ready or Stalled is logged with its reason, one for the worse as a warning', async () => {
  const lines: string[] = []
  const line =
    (level: string) =>
    ({ condition, reason, message }: Record<string, string>) =>
      lines.push(`${level} ${condition} ${reason} ${message}`)
  const writer = new StatusWriter({
    api: { apply: async () => ({}) },
    cache: {
      statusFingerprint: () => 'another',
      trackWrite: async (_: string, __: object, write: () => Promise<object>) => void (await write()),
    },
    limiter: { allows: () => true },
    lastApplied: new LastApplied(),
    log: { ...silentLog, info: line('info'), warn: line('warn') },
  } as unknown as WriteParts)
  const report = async (before: ReportedStatus | undefined, after: ReportedStatus) => {
    await writer.report('Realm', aRealm().metadata, before, after)
    return lines.splice(0)
  }
  const starting = statusOf(['Ready', 'False', 'CellsNotReady'], ['Stalled', 'False', 'NotStalled'])
  const works = statusOf(['Ready', 'True', 'AllServing'], ['Stalled', 'False', 'NotStalled'])
  const stalled = statusOf(['Ready', 'True', 'AllServing'], ['Stalled', 'True', 'PodsFailing'])
  expect(await report(undefined, starting)).toEqual(['info Ready CellsNotReady why', 'info Stalled NotStalled why'])
  expect(await report(starting, works)).toEqual(['info Ready AllServing why'])
  expect(await report(works, works)).toEqual([])
  expect(await report(works, stalled)).toEqual(['warn Stalled PodsFailing why'])
  expect(await report(stalled, works)).toEqual(['info Stalled NotStalled why'])
})
