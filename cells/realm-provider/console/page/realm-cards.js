import { h } from './dom.js'
import { count, plural, rate } from './format.js'
import { sparkline } from './sparkline.js'

const MOST = 60

/** In a word how a realm is, and how that is marked: by shape as well as by colour. */
export function stateOf({ facts, live }) {
  if (facts.deletingSince) return { text: 'being deleted', mark: 'mark hollow change' }
  if (!live.served) return { text: 'name taken', mark: 'mark bad' }
  if (live.absence)
    return { text: live.absence.toLowerCase(), mark: live.absence === 'Hibernated' ? 'mark hollow soft' : 'mark hollow change' }
  if (!live.healthy) return { text: 'takes no players', mark: 'mark bad' }
  if (live.failingSince) return { text: 'serving, no statistics', mark: 'mark square doubt' }
  return { text: 'serving', mark: 'mark' }
}

/** A map for each realm. */
export function realmCards(state, realms) {
  const hidden = Math.max(0, realms.length - MOST) + (state.sections.get('summary')?.hidden ?? 0)
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'realms-title', key: 'realms' },
    h(
      'header',
      {},
      h('h2', { id: 'realms-title' }, 'Realms'),
      h(
        'span',
        { class: 'note' },
        hidden > 0 ? `the ${MOST} with most players; search for the other ${count(hidden)}` : plural(realms.length, 'realm'),
      ),
    ),
    realms.length === 0
      ? h('p', { class: 'empty' }, 'No realm is known to this realm provider.')
      : h(
          'div',
          { class: 'cards' },
          realms.slice(0, MOST).map((realm) => card(realm, state.series)),
        ),
  )
}

function card(realm, series) {
  const { key, facts, live } = realm
  const state = stateOf(realm)
  const detail = [
    live.islands !== null && plural(live.islands, 'island'),
    live.refusals > 0 && `${rate(live.refusals)} refusals/s`,
  ].filter(Boolean)
  return h(
    'article',
    { class: 'card', key },
    h(
      'a',
      { href: `#/realm/${key}`, 'aria-label': `${facts.realmName}: ${plural(live.players, 'player')}, ${state.text}` },
      h('canvas', { 'data-overview': key, 'aria-hidden': 'true' }),
      h(
        'div',
        { class: 'text' },
        h('div', { class: 'line' }, h('h3', {}, facts.realmName), h('span', { class: 'count' }, count(live.players))),
        h(
          'div',
          { class: 'line soft' },
          h('span', {}, h('span', { class: state.mark, 'aria-hidden': 'true' }), state.text),
          h('span', {}, detail.join(' · ')),
        ),
        sparkline(series.get(`r/${key}/players`), 'players in the last ten minutes'),
      ),
    ),
  )
}
