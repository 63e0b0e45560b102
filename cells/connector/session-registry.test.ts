import { expect, test } from 'vitest'
import { SessionRegistry } from './session-registry.ts'

const ANNA = '0x00000000000000000000000000000000000000aa'

test('a newer session replaces the older one, whose late end does not remove it', () => {
  const sessions = new SessionRegistry<{ name: string }>()
  const [older, newer] = [{ name: 'older' }, { name: 'newer' }]
  expect(sessions.register(ANNA, older)).toBeUndefined()
  expect(sessions.register(ANNA, newer)).toBe(older)
  expect(sessions.release(ANNA, older)).toBe(false)
  expect(sessions.get(ANNA)).toBe(newer)
  expect(sessions.release(ANNA, newer)).toBe(true)
  expect(sessions.release(ANNA, newer)).toBe(false)
  expect(sessions.size).toBe(0)
})

test('a session does not replace itself', () => {
  const sessions = new SessionRegistry<{ name: string }>()
  const one = { name: 'one' }
  sessions.register(ANNA, one)
  expect(sessions.register(ANNA, one)).toBeUndefined()
})
