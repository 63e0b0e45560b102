import { describe, expect, test } from 'vitest'
import { aCatalystAbout } from '../fixtures.ts'
import { readCatalystAbout } from './catalyst.ts'

describe('the answer of a catalyst', () => {
  const good = aCatalystAbout('https://c')

  test('is read when it takes users and has the URLs of its services', () => {
    expect(readCatalystAbout(good)).toMatchObject({ content: good.content, lambdas: good.lambdas, bff: undefined })
  })

  test('has no field that is null, because the Godot explorer ends at one', () => {
    const { content, configurations } = good
    const document = {
      ...good,
      content: { ...content, version: null },
      configurations: { ...configurations, cityLoaderContentServer: null, skybox: { fixedHour: null, textures: [] } },
      bff: null,
    }
    const { version: _, ...withoutVersion } = content
    expect(readCatalystAbout(document)).toEqual({
      content: withoutVersion,
      lambdas: good.lambdas,
      configurations: { ...configurations, skybox: { textures: [] } },
      bff: undefined,
    })
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
