import { expect, test } from 'vitest'
import { parsePeerId } from '../../cells/wire/peer.ts'
import { cellScope, subjects } from '../../cells/wire/subjects.ts'
import { busUsers, cellUser } from './bus-users.ts'
import { aRealm } from './realm.fixtures.ts'

const peer = parsePeerId(`0x${'a'.repeat(40)}`)
const rightsOf = (user: string) => busUsers(aRealm()).find((rights) => rights.user === user)

/** Every address of a scope, patterns included. */
function addressesOf(scope: string): string[] {
  const at = subjects(scope)
  if (!peer) throw new Error('not a peer address')
  const ofPeer = Object.keys(at.every).map((name) => at[name as keyof typeof at.every](peer as never))
  return [
    ...ofPeer,
    ...Object.values(at.every),
    at.islands,
    at.discovery,
    at.leaderHeartbeat,
    at.syncRequest,
    at.syncReply('asker'),
  ]
}
const below = (pattern = '') => pattern.replace(/>$/, '')

test('a cell may publish and subscribe to all its own subjects, and to none of another cell', () => {
  const rights = rightsOf(cellUser(2))
  for (const allowed of [rights?.publish, rights?.subscribe]) {
    for (const address of addressesOf(cellScope('metaverse.main', 2))) expect(address.startsWith(below(allowed))).toBe(true)
    for (const address of addressesOf(cellScope('metaverse.main', 20))) expect(address.startsWith(below(allowed))).toBe(false)
    for (const address of addressesOf(cellScope('metaverse.other', 2))) expect(address.startsWith(below(allowed))).toBe(false)
  }
})

test('stats may subscribe to every cell of the realm, and publish their feed, which no cell hears', () => {
  expect(rightsOf('stats')?.publish).toBe(subjects('metaverse.main').parcelChanges)
  expect(subjects('metaverse.main').parcelChanges.startsWith(below(rightsOf(cellUser(2))?.subscribe))).toBe(false)
  for (const address of addressesOf(cellScope('metaverse.main', 31)))
    expect(address.startsWith(below(rightsOf('stats')?.subscribe))).toBe(true)
})

test('a gatekeeper may publish admissions to the rooms of every cell, and nothing else', () => {
  expect(rightsOf('gatekeeper')).toEqual({
    user: 'gatekeeper',
    publish: subjects('metaverse.main.*').every.admission,
    subscribe: undefined,
  })
})

test('every slot a realm can ever have has a user', () => {
  expect(busUsers(aRealm({ cells: { max: 1 } })).filter(({ user }) => user.startsWith('cell_'))).toHaveLength(32)
})
