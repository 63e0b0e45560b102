import { cellConditions, type Explanation, realmConditions } from './condition-reasons.ts'
import { code, pageOf, tableOf } from './markdown.ts'
import { reasonSteps } from './reason-steps.ts'

/** One reason, as a condition of a kind gives it. */
export interface GivenReason {
  reason: string
  kind: 'Realm' | 'CommsCell'
  condition: string
  when: string
  action: string
}

/** Every reason of the catalogue, once for each condition that can have it. */
export const givenReasons: readonly GivenReason[] = (
  [
    ['Realm', realmConditions],
    ['CommsCell', cellConditions],
  ] as const
).flatMap(([kind, conditions]) =>
  Object.entries(conditions).flatMap(([condition, { reasons }]) =>
    Object.entries<Explanation>(reasons).map(([reason, [when, action = '']]) => ({ reason, kind, condition, when, action })),
  ),
)

/** Whether a reason asks something of a person. */
export const asksAPerson = ({ action }: GivenReason): boolean => action !== '' && !action.startsWith('Nothing:')

/** docs/troubleshooting/reasons.md: what to do about each reason of a condition. */
export function reasonsPage(): string {
  const byReason = [...Map.groupBy(givenReasons, ({ reason }) => reason)].sort(([one], [other]) => one.localeCompare(other, 'en'))
  const quiet = byReason.filter(([, given]) => !given.some(asksAPerson))
  return pageOf(
    'Troubleshooting by condition reason',
    [
      'Every condition of a Realm and of a CommsCell has a reason of a closed set. To see those of a realm:',
      '',
      '```sh',
      'realmctl doctor NAME -n NS',
      'realmctl status NAME -n NS',
      'kubectl describe realm NAME -n NS',
      '```',
      '',
      'Look for the first of these that is not as it should be: `Stalled` True, `Ready` False, `Published` False, then the others. In the commands below, `NAME` is',
      'the Realm, `CELL` the CommsCell, `NS` the namespace, and `realm-operator` the namespace of the operator. What each condition says is in the',
      '[API reference](../reference/api.md#conditions-of-a-realm); [by symptom](symptoms.md) begins with what players see.',
    ].join('\n'),
    ...byReason.filter(([, given]) => given.some(asksAPerson)).map(([reason, given]) => entry(reason, given)),
    [
      '## Reasons that ask nothing of you',
      'They say that all is well, or that the operator is at work. One of the latter that lasts longer than some minutes has a cause in `Stalled`, or in the conditions of the cells.',
      tableOf(
        ['reason', 'condition', 'when'],
        quiet.map(([reason, given]) => [
          code(reason),
          conditionsOf(given),
          [...new Set(given.map(({ when }) => when))].join(' '),
        ]),
      ),
    ].join('\n\n'),
  )
}

const conditionsOf = (given: readonly GivenReason[]): string =>
  [...Map.groupBy(given, ({ kind }) => kind)]
    .map(([kind, ofKind]) => `${ofKind.map(({ condition }) => code(condition)).join(', ')} of a ${kind}`)
    .join('; ')

function entry(reason: string, given: readonly GivenReason[]): string {
  const steps = reasonSteps[reason]
  if (!steps) throw new Error(`tools/generate-docs/reason-steps.ts has no steps for ${reason}`)
  const texts = [...Map.groupBy(given, ({ when, action }) => `${when} **Do:** ${action || 'Nothing.'}`)]
  return [
    `## ${code(reason)}`,
    texts.length === 1
      ? `In ${conditionsOf(given)}. ${texts[0]?.[0]}`
      : texts.map(([text, same]) => `- In ${conditionsOf(same)}: ${text}`).join('\n'),
    ['```sh', ...steps.look, '```'].join('\n'),
    ...(steps.more ? [steps.more] : []),
  ].join('\n\n')
}
