import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { chart } from '../testing/chart.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { alertCases, recordCases } from './alert-cases.ts'

interface Rule {
  alert?: string
  record?: string
  labels: { severity: string }
  annotations: { description: string; runbook_url: string }
}

/** Six seconds of a core, where there is one. */
const TIMEOUT_MS = 300_000

const file = join(chart, 'files/monitoring/rules.yaml')
const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap(({ rules }) => rules)
const alerts = rules.flatMap((rule) => (rule.alert ? [{ ...rule, name: rule.alert }] : []))

test('every alert and every record has a case, and no other', () => {
  expect(Object.keys(alertCases)).toEqual(alerts.map(({ name }) => name))
  expect(Object.keys(recordCases)).toEqual(rules.flatMap(({ record }) => record ?? []))
})

const inputOf = (series: Readonly<Record<string, string>>) =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }))

/** What Prometheus makes of a description; texts with values are in the summaries. */
const filled = (text: string, labels: Readonly<Record<string, string>>) =>
  text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '')

/** The cases as a file of `promtool test rules`. */
const testFile = (path: string) => ({
  rule_files: [path],
  evaluation_interval: '1m',
  fuzzy_compare: true,
  tests: [
    ...alerts.flatMap(({ name, labels: { severity }, annotations: { description, runbook_url } }) => {
      const { fires, silent } = alertCases[name] as (typeof alertCases)[string]
      const exp_labels = { severity, ...fires.labels }
      const exp_annotations = { summary: fires.summary, description: filled(description, exp_labels), runbook_url }
      const exp_alerts = [{ exp_labels, exp_annotations }]
      return [
        {
          name: `${name} fires`,
          input_series: inputOf(fires.series),
          alert_rule_test: [{ eval_time: `${fires.at}m`, alertname: name, exp_alerts }],
        },
        {
          name: `${name} is silent at ${silent.why}`,
          input_series: inputOf(silent.series),
          alert_rule_test: [{ eval_time: `${silent.at}m`, alertname: name, exp_alerts: [] }],
        },
      ]
    }),
    ...Object.entries(recordCases).map(([name, { series, labels, value }]) => ({
      name: `${name} is as expected`,
      input_series: inputOf(series),
      promql_expr_test: [{ expr: name, eval_time: '30m', exp_samples: [{ labels: `${name}{${labels}}`, value }] }],
    })),
  ],
})

withPart('promtool', 'Prometheus', (promtool) => {
  test('takes the rules as they are', async () => {
    expect(await runCommand(promtool, ['check', 'rules', file])).toContain(`SUCCESS: ${rules.length} rules found`)
  })

  test(
    'fires every alert on what it is about and not on what looks like it, and records what it should',
    async () => {
      const cases = join(freshFolder(), 'cases.json')
      // JSON is YAML, too.
      writeFileSync(cases, JSON.stringify(testFile(file)))
      expect(await runCommand(promtool, ['test', 'rules', cases], { timeoutMs: TIMEOUT_MS })).toContain('SUCCESS')
    },
    TIMEOUT_MS,
  )

  test('finds a case that is wrong', async () => {
    const wrong = join(freshFolder(), 'wrong.json')
    const [first] = testFile(file).tests
    writeFileSync(
      wrong,
      JSON.stringify({ ...testFile(file), tests: [{ ...first, input_series: inputOf({ realm_operator_leader: '1x60' }) }] }),
    )
    await expect(runCommand(promtool, ['test', 'rules', wrong])).rejects.toThrow('RealmOperatorDown')
  })
})
