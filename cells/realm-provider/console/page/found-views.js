import { h } from './dom.js'
import { count, plural, shortWallet, since } from './format.js'

/** Beside the map of its realm: an island, and who is on it. */
export function islandPanel({ answer, error }, at) {
  if (error) return notice('Island', error)
  if (!answer) return notice('Island', 'Asking the statistics of the realm…')
  const { id, size, maxPeers, radius, peers } = answer
  const hasWallets = peers.some(({ wallet }) => wallet)
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'found-title', key: 'found' },
    h(
      'header',
      {},
      h('h2', { id: 'found-title' }, `Island ${id}`),
      h('span', { class: 'note' }, `${count(size)} of ${plural(maxPeers, 'peer')}, ${Math.round(radius)} m`),
    ),
    !hasWallets && h('p', { class: 'body soft' }, 'Wallets are shown with the token of the console.'),
    h(
      'ul',
      { class: 'scroll', tabindex: 0, 'aria-label': 'Peers of the island' },
      peers.slice(0, 200).map((peer, index) => member(peer, index, at)),
    ),
  )
}

const member = ({ wallet, parcel, lastPing }, index, at) =>
  h(
    'li',
    { class: 'problem', key: wallet ?? String(index) },
    h(
      'div',
      { class: 'line' },
      wallet
        ? h('a', { href: `#/peer/${wallet}`, title: wallet }, h('code', {}, shortWallet(wallet)))
        : h('span', {}, `Peer ${index + 1}`),
      h('span', {}, `parcel ${parcel.join(',')}`),
      h('time', {}, `${since(lastPing, at)} ago`),
    ),
  )

/** Where a wallet is. */
export function peerPanel({ answer, error }, wallet, at) {
  if (error) return notice('Peer', error)
  if (!answer) return notice('Peer', 'Asking the statistics of all realms…')
  const { peers } = answer
  return h(
    'section',
    { class: 'panel wide', 'aria-labelledby': 'found-title', key: 'found' },
    h('header', {}, h('h2', { id: 'found-title' }, 'Peer '), h('code', {}, wallet)),
    peers.length === 0
      ? h('p', { class: 'body' }, 'No realm on this console has this wallet at the moment.')
      : h(
          'ul',
          {},
          peers.map(({ realm, realmName, parcel, position, lastPing }) =>
            h(
              'li',
              { class: 'problem', key: realm },
              h(
                'div',
                { class: 'line' },
                h(
                  'strong',
                  {},
                  h('a', { href: `#/parcel/${realm}/${parcel.join(',')}` }, `${realmName}, parcel ${parcel.join(',')}`),
                ),
                h('time', {}, `last heartbeat ${since(lastPing, at)} ago`),
              ),
              h('p', { class: 'soft' }, `${position.map((metres) => metres.toFixed(1)).join(' · ')} m east, up, north`),
            ),
          ),
        ),
  )
}

const notice = (title, text) =>
  h(
    'section',
    { class: 'panel', key: 'found', 'aria-live': 'polite' },
    h('header', {}, h('h2', {}, title)),
    h('p', { class: 'body' }, text),
  )
