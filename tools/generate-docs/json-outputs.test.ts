import { expect, test } from 'vitest'
import { reportOf } from '../../cli/cluster/realm-report.ts'
import { readTopData } from '../../cli/commands/top-data.ts'
import { aRealm, aServingCell } from '../../operator/desired/realm.fixtures.ts'
import { realmctlCommands } from '../../testing/realmctl.ts'
import { jsonOutputs } from './json-outputs.ts'
import { jsonReference } from './json-reference.ts'

test('the reference has what every command prints with -o json', () => {
  const commands = realmctlCommands().flatMap(({ words, hasJson }) => (hasJson ? [words] : []))
  expect(Object.keys(jsonOutputs).sort()).toEqual(commands.sort())
  expect(jsonReference()).toMatch(/^\| `slots\[\]\.connectors\.ready` \| number \|/m)
})

test('a field that the reference does not have is refused, and so is one that is missing', () => {
  const report = reportOf(aRealm(), [aServingCell(aRealm(), 0)])
  const isKnown = (value: unknown) => jsonOutputs.status?.safeParse(value).success
  const { settled: _, ...less } = report
  expect([isKnown(report), isKnown({ ...report, more: 1 }), isKnown(less)]).toEqual([true, false, false])
  const summary = { version: '1', players: 0, realms: 0, healthy: 0, answers: null, refusals: 1 }
  expect(jsonOutputs.top?.safeParse(readTopData({ at: 0, set: { summary } })).success).toBe(true)
})
