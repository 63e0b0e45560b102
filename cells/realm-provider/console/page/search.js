/**
 * Where a search leads: the address of a page, or what is wrong with it. `realm` is the one that is shown, for parcels and islands.
 */
export function destination(text, realms, realm, map) {
  const query = text.trim()
  if (query === '') return { note: '' }
  if (/^0x[0-9a-f]{40}$/i.test(query)) return { hash: `#/peer/${query.toLowerCase()}` }
  if (/^0x[0-9a-f]*$/i.test(query)) return { note: 'A wallet has 40 digits after 0x.' }
  const [, east, north] = /^(-?\d{1,6})\s*[,;\s]\s*(-?\d{1,6})$/.exec(query) ?? []
  const here = realm ?? realms[0]?.key
  if (east !== undefined)
    return here === undefined ? { note: 'There is no realm with parcels.' } : { hash: `#/parcel/${here}/${east},${north}` }
  const lower = query.toLowerCase()
  const exact = realms.find(({ key, facts }) => facts.realmName.toLowerCase() === lower || key.toLowerCase() === lower)
  const found = exact ?? realms.find(({ facts }) => facts.realmName.toLowerCase().includes(lower))
  if (found) return { hash: `#/realm/${found.key}` }
  const island = map?.islands.find(({ id }) => id.toLowerCase() === lower)
  if (here !== undefined && (island || /^[\w.-]+$/.test(query)))
    return { hash: `#/island/${here}/${encodeURIComponent(island?.id ?? query)}` }
  return { note: `No realm is called ${query}.` }
}

/** A page by its address: the wall, a realm, an island, a parcel, a peer. */
export function pageOf(hash) {
  const [kind = '', ...rest] = hash.replace(/^#\/?/, '').split('/')
  const realm = rest.length >= 2 ? `${rest[0]}/${rest[1]}` : undefined
  if (kind === 'realm' && realm) return { kind, realm }
  if (kind === 'island' && realm && rest[2]) return { kind, realm, id: decoded(rest[2]) }
  if (kind === 'parcel' && realm && /^-?\d+,-?\d+$/.test(rest[2] ?? ''))
    return { kind, realm, parcel: rest[2].split(',').map(Number) }
  if (kind === 'peer' && rest[0]) return { kind, wallet: rest[0] }
  return { kind: 'wall' }
}

/** Addresses are typed and cut off, too. */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
