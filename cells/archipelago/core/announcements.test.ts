import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Announcement, Announcements, noAnnouncement, roomKnown } from './announcements.ts'
import { peerId } from './fixtures.ts'

function aCell(peers: number) {
  const present = new Map(
    Array.from({ length: peers }, (_, n) => [peerId(n), { announcement: noAnnouncement(peerId(n)) }] as const),
  )
  const announcements = new Announcements(present)
  const dueNow = () => announcements.due().map(({ peer, due }) => [peer, due])
  return { present, announcements, dueNow }
}

const joined = (n: number, room: string) => ({ peer: peerId(n), room, cause: 'joined' as const })

test('peers are due in the order in which they became so, each once, and no longer when they were told or have left', () => {
  const { announcements, dueNow } = aCell(4)
  announcements.recordMoves([joined(2, 'I1'), joined(0, 'I1'), joined(1, 'I2'), joined(3, 'I2')])
  announcements.recordAnnounced(peerId(0), 'I1')
  announcements.forget(peerId(1))
  expect(dueNow()).toEqual([
    [peerId(2), 'joined'],
    [peerId(3), 'joined'],
  ])
  expect(announcements.dueCount).toBe(2)
})

test('a peer that was told and is due again before the list was read is in it once', () => {
  const { announcements, dueNow } = aCell(1)
  announcements.recordMoves([joined(0, 'I1')])
  announcements.recordAnnounced(peerId(0), 'I1')
  announcements.announceAgain(peerId(0))
  expect(dueNow()).toEqual([[peerId(0), 'repeated']])
  announcements.recordMoves([{ ...joined(0, 'I2'), cause: 'moved' }])
  expect(dueNow()).toEqual([[peerId(0), 'moved']])
})

test('a peer that is taken out of its island is as one that was told nothing', () => {
  const { announcements, present } = aCell(1)
  announcements.recordAnnounced(peerId(0), 'I1')
  announcements.forget(peerId(0))
  expect(announcements.lastRoomOf(peerId(0))).toBeUndefined()
  expect(announcements.reconcile(peerId(0), 'I2', 0)).toBe('learned')
  expect(roomKnown(present.get(peerId(0))?.announcement as Announcement)).toBe('I2')
})

test('nothing is recorded of a peer that is not present', () => {
  const { announcements, dueNow } = aCell(0)
  announcements.recordMoves([joined(0, 'I1')])
  announcements.announceAgain(peerId(0))
  announcements.recordAnnounced(peerId(0), 'I1')
  expect(announcements.reconcile(peerId(0), 'I1')).toBe('agrees')
  expect([dueNow(), announcements.dueCount, announcements.lastSequence]).toEqual([[], 0, 0])
})

test('of a crowd that was told, those that become due again and those that arrive are due, while the list is not read', () => {
  const { announcements, dueNow } = aCell(6_000)
  const crowd = Array.from({ length: 5_000 }, (_, n) => joined(n, 'I1'))
  announcements.recordMoves(crowd)
  for (const { peer, room } of crowd) announcements.recordAnnounced(peer, room)
  for (const n of [7, 5_001, 3, 5_002]) announcements.announceAgain(peerId(n))
  expect(new Set(dueNow().map(([peer]) => peer))).toEqual(new Set([7, 5_001, 3, 5_002].map(peerId)))
  expect([dueNow().length, announcements.dueCount]).toEqual([4, 4])
})

test('those that are due are the same whatever happened before', () => {
  const step = fc.tuple(fc.constantFrom('move', 'tell', 'again', 'forget', 'read'), fc.nat(9), fc.constantFrom('I1', 'I2'))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { announcements, present } = aCell(10)
      for (const [what, n, room] of steps) {
        if (what === 'move') announcements.recordMoves([joined(n, room)])
        else if (what === 'tell') announcements.recordAnnounced(peerId(n), room)
        else if (what === 'again') announcements.announceAgain(peerId(n))
        else if (what === 'forget') announcements.forget(peerId(n))
        else announcements.due()
      }
      const due = [...present.values()].map(({ announcement }) => announcement).filter((own) => own.due !== undefined)
      expect(new Set(announcements.due())).toEqual(new Set(due))
      expect([announcements.due().length, announcements.dueCount]).toEqual([due.length, due.length])
    }),
  )
})
