import { expect, test } from 'vitest'
import { Sessions } from './session-registry.ts'

const ANNA = '0x00000000000000000000000000000000000000aa'

test('a newer session replaces the older one and survives its late end', () => {
  const sessions = new Sessions<{ name: string }>()
  const [older, newer] = [{ name: 'older' }, { name: 'newer' }]
  expect(sessions.admit(ANNA, older)).toBeUndefined()
  expect(sessions.admit(ANNA, newer)).toBe(older)
  expect(sessions.release(ANNA, older)).toBe(false)
  expect(sessions.get(ANNA)).toBe(newer)
  expect(sessions.release(ANNA, newer)).toBe(true)
  expect(sessions.release(ANNA, newer)).toBe(false)
  expect(sessions.size).toBe(0)
})

test('a session does not replace itself', () => {
  const sessions = new Sessions<{ name: string }>()
  const one = { name: 'one' }
  sessions.admit(ANNA, one)
  expect(sessions.admit(ANNA, one)).toBeUndefined()
})
