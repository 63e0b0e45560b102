import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

test('a relay from which no other one could take players over, for want of a key or a port, does not start', () => {
  const key = { HAND_OVER_KEY_FILE: '/run/secrets/movement/keys' }
  expect(() => readConfig({ HAND_OVER_PORT: '7778' })).toThrow('HAND_OVER_KEY_FILE: is needed to hand players over')
  expect(() => readConfig({ HAND_OVER_FROM: 'relays', HAND_OVER_PORT: '7778' })).toThrow('HAND_OVER_KEY_FILE')
  expect(() => readConfig({ ...key, HAND_OVER_FROM: 'relays' })).toThrow('HAND_OVER_PORT: is needed with HAND_OVER_FROM')
  expect(readConfig({ ...key, HAND_OVER_PORT: '7778' })).toMatchObject({ ...key, HAND_OVER_PORT: 7_778 })
  expect(readConfig({ HAND_OVER_PORT: '' })).not.toHaveProperty('HAND_OVER_PORT')
})
