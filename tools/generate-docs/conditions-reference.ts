import { readFileSync } from 'node:fs'
import { eventReasons } from '../../operator/events/event-reasons.ts'
import { cellConditions, type Explanation, realmConditions } from './condition-reasons.ts'
import { code, tableOf } from './markdown.ts'

/** The conditions of one kind, each with its reasons. */
export function conditionsText(kind: string): string {
  const conditions = Object.entries(kind === 'Realm' ? realmConditions : cellConditions)
  return [
    `### Conditions of a ${kind}`,
    'Reasons come from these closed sets. The message has the names and numbers of the case.',
    ...conditions.map(([type, { says, reasons }]) =>
      [
        `#### ${type}`,
        says,
        tableOf(
          ['reason', 'when', 'what to do'],
          Object.entries<Explanation>(reasons).map(([reason, [when, action = '']]) => [code(reason), when, action]),
        ),
      ].join('\n\n'),
    ),
  ].join('\n\n')
}

/** All Events of the operator. */
export function eventsText(): string {
  const meanings = meaningsIn(readFileSync(new URL('../../operator/events/event-reasons.ts', import.meta.url), 'utf8'))
  const rows = Object.entries(eventReasons).map(([reason, { type, action }]) => {
    const meaning = meanings.get(reason)
    if (!meaning) throw new Error(`operator/events/event-reasons.ts: ${reason} needs a comment that says when it occurs`)
    return [code(reason), type, action, meaning]
  })
  return [
    '## Events',
    'Events are created for Realms and CommsCells, the same one at most once in a while; their number is limited. `Warning` needs attention.',
    tableOf(['reason', 'type', 'action', 'when'], rows),
  ].join('\n\n')
}

/** The comment above each entry of a table in a source text. */
const meaningsIn = (source: string): Map<string, string> =>
  new Map([...source.matchAll(/\/\*\* ([^\n]*?) \*\/\n\s*(\w+): \{/g)].map(([, meaning = '', key = '']) => [key, meaning]))
