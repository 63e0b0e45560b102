import { describe, expect, test } from 'vitest'
import { aCatalystAbout } from '../fixtures.ts'
import { readCatalystAbout } from './catalyst.ts'

describe('the answer of a catalyst', () => {
  const good = aCatalystAbout('https://c')

  test('is read when it takes users and has the URLs of its services', () => {
    expect(readCatalystAbout(good)).toMatchObject({ content: good.content, lambdas: good.lambdas, bff: undefined })
  })

  test.each([
    null,
    [],
    'text',
    { ...good, healthy: false },
    { ...good, acceptingUsers: undefined },
    { ...good, content: { healthy: true } },
    { ...good, lambdas: [] },
  ])('is not valid when it is %j', (document) => {
    expect(readCatalystAbout(document)).toBeUndefined()
  })
})
