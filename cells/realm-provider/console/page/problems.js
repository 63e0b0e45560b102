import { h } from './dom.js'
import { plural, since } from './format.js'

const NAMES = { error: 'Error', warning: 'Warning', change: 'Under way' }
const SHAPES = { error: 'mark bad', warning: 'mark square doubt', change: 'mark hollow change' }

/** What is wrong, the worst first, and since when. */
export function problemsPanel({ sections, at }, realm) {
  const { problems = [], more = 0 } = sections.get('problems') ?? {}
  const shown = realm === undefined ? problems : problems.filter((problem) => problem.realm === realm)
  const errors = shown.filter(({ severity }) => severity === 'error').length
  const summary =
    shown.length === 0 ? 'none' : `${plural(errors, 'error')} of ${shown.length}${more > 0 ? ` and ${more} more` : ''}`
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'problems-title', key: 'problems' },
    h('header', {}, h('h2', { id: 'problems-title' }, 'Problems'), h('span', { class: 'note' }, summary)),
    shown.length === 0
      ? h('p', { class: 'body soft' }, 'Nothing is wrong, as far as the realm provider knows.')
      : h(
          'ul',
          { class: 'scroll', tabindex: 0, 'aria-label': 'Problems' },
          shown.map((problem) => item(problem, at, realm === undefined)),
        ),
  )
}

const item = ({ id, severity, realm, subject, reason, message, since: from }, at, hasLink) =>
  h(
    'li',
    { class: `problem ${severity}`, key: id },
    h(
      'div',
      { class: 'line' },
      h(
        'strong',
        {},
        h('span', { class: SHAPES[severity], 'aria-hidden': 'true' }),
        h('span', { class: 'unseen' }, `${NAMES[severity]}: `),
        realm && hasLink ? h('a', { href: `#/realm/${realm}` }, subject) : subject,
      ),
      h('time', { datetime: from, title: from }, `since ${since(from, at)}`),
    ),
    h('p', {}, h('code', {}, reason), ` ${message}`),
  )

/** Conditions as they changed, and what the operator told of it in Events. */
export function changesPanel({ sections, at }, realm) {
  const told = (sections.get('events') ?? []).map(changeOfEvent)
  const changes = [...(sections.get('changes') ?? []), ...told]
    .filter((change) => realm === undefined || change.realm === realm)
    .sort((a, b) => Number(a.at < b.at) - Number(a.at > b.at))
    .slice(0, 60)
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'changes-title', key: 'changes' },
    h(
      'header',
      {},
      h('h2', { id: 'changes-title' }, 'Changes'),
      h('span', { class: 'note' }, 'of conditions, and Events, the latest first'),
    ),
    h(
      'ul',
      { class: 'scroll', tabindex: 0, 'aria-label': 'Changes' },
      changes.length === 0
        ? h('li', { class: 'problem' }, h('p', { class: 'soft' }, 'No change was seen.'))
        : changes.map((change) => changed(change, at)),
    ),
  )
}

const changeOfEvent = ({ at, realm, kind, key, type, reason, message, count }) => ({
  at,
  realm,
  title: `${kind} ${key.name}: ${type} Event${count > 1 ? `, ${count} times` : ''}`,
  reason,
  message,
})

const changed = ({ at, realmName, realm, type, status, title, reason, message }, now) =>
  h(
    'li',
    { class: 'problem', key: `${realm} ${title ?? type} ${at} ${reason}` },
    h(
      'div',
      { class: 'line' },
      h('strong', {}, title ?? `${realmName}: ${type} is ${status}`),
      h('time', { datetime: at, title: at }, `${since(at, now)} ago`),
    ),
    h('p', { class: 'soft' }, h('code', {}, reason), message ? ` ${message}` : ''),
  )
