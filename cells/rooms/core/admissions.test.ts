import { expect, test } from 'vitest'
import { Admissions } from './admissions.ts'

const [A, B, C] = ['0xa', '0xb', '0xc'] as const
const island = (room: string) => ({ room, kind: 'island' as const })
const scene = (room: string) => ({ room, kind: 'scene' as const })

test('a peer may enter only the rooms it was admitted to', () => {
  const admissions = new Admissions(10)
  expect(admissions.admit(A, island('i1'))).toBeUndefined()
  expect(admissions.allows(A, 'i1')).toBe(true)
  expect(admissions.allows(A, 'i2')).toBe(false)
  expect(admissions.allows(B, 'i1')).toBe(false)
})

test('an island replaces the island before it, which is returned', () => {
  const admissions = new Admissions(10)
  admissions.admit(A, island('i1'))
  expect(admissions.admit(A, island('i1'))).toBeUndefined()
  expect(admissions.admit(A, island('i2'))).toBe('i1')
  expect(admissions.allows(A, 'i1')).toBe(false)
})

test('the latest few scenes are kept beside the island', () => {
  const admissions = new Admissions(10)
  admissions.admit(A, island('i1'))
  for (const room of ['s1', 's2', 's3', 's1', 's4', 's5']) expect(admissions.admit(A, scene(room))).toBeUndefined()
  expect(['i1', 's1', 's2', 's3', 's4', 's5'].filter((room) => admissions.allows(A, room))).toEqual([
    'i1',
    's1',
    's3',
    's4',
    's5',
  ])
})

test('above the limit, the peer admitted longest ago is forgotten', () => {
  const admissions = new Admissions(2)
  admissions.admit(A, island('i1'))
  admissions.admit(B, island('i1'))
  admissions.admit(A, scene('s1'))
  admissions.admit(C, island('i1'))
  expect([A, B, C].map((peer) => admissions.allows(peer, 'i1'))).toEqual([true, false, true])
})

test('however many wallets ask for scenes, the players of islands keep their rooms', () => {
  const admissions = new Admissions(10)
  admissions.admit(A, scene('s1'))
  admissions.admit(A, island('i1'))
  for (let i = 0; i < 1_000; i++) admissions.admit(`0x${i}`, scene('s1'))
  expect(['i1', 's1', 's2'].map((room) => admissions.allows(A, room))).toEqual([true, true, false])
  admissions.admit(A, scene('s2'))
  for (let i = 0; i < 1_000; i++) admissions.admit(`0x${i}`, scene('s1'))
  expect(['i1', 's1', 's2'].map((room) => admissions.allows(A, room))).toEqual([true, true, true])
  expect([0, 989, 990, 999].map((i) => admissions.allows(`0x${i}`, 's1'))).toEqual([false, false, true, true])
})
