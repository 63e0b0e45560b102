import { expect, test } from 'vitest'
import { roomIds } from './room-ids.ts'

test('ids of rooms count up in base 36 after the boot id', () => {
  const next = roomIds('island-', 'boot1')
  const names = Array.from({ length: 37 }, next)
  expect([names[0], names[9], names[35], names[36]]).toEqual([
    'island-boot1-1',
    'island-boot1-a',
    'island-boot1-10',
    'island-boot1-11',
  ])
})

test('two boot ids never give the same id of a room', () => {
  const [one, other] = [roomIds('island-', 'boot1'), roomIds('island-', 'boot11')]
  const names = Array.from({ length: 2_000 }, one)
  expect(Array.from({ length: 2_000 }, other).some((name) => names.includes(name))).toBe(false)
})
