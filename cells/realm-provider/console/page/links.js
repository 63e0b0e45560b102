import { h } from './dom.js'

/** The address of a realm for explorers: what its status says, or where this realm provider serves it. */
export const realmUrl = ({ facts }) =>
  facts.urls?.about?.replace(/\/about$/, '') ??
  new URL(`../${encodeURIComponent(facts.realmName)}`, new URL('.', import.meta.url)).href

/** How explorers enter a realm, to be copied. */
export function linksPanel(realm) {
  const url = realmUrl(realm)
  const { movement } = realm.facts
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'links-title', key: 'links' },
    h('header', {}, h('h2', { id: 'links-title' }, 'Explorers')),
    h(
      'dl',
      { class: 'facts links body' },
      row('Link for explorers', `decentraland://?realm=${url}`),
      row('Address of the realm', url),
      movement && [
        row('Movement, Bevy', movement.bevy),
        row('Movement, Godot', movement.godot),
        row('Movement, Unity', movement.unity),
      ],
      !movement && [
        h('dt', {}, 'Movement'),
        h(
          'dd',
          { class: 'soft' },
          'There is no movement relay of this realm: explorers use the public one, where realms of one name share it.',
        ),
      ],
    ),
  )
}

const row = (name, text) => [
  h('dt', {}, name),
  h(
    'dd',
    { class: 'copy' },
    h('code', {}, text),
    h('button', { type: 'button', 'data-action': 'copy', 'data-text': text, 'aria-label': `Copy: ${name}` }, 'Copy'),
  ),
]
