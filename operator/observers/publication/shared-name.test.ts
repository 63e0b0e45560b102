import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { aProvider, aService } from '../../../cells/realm-provider/fixtures.ts'
import type { Realm } from '../../../crds/realm.ts'
import { freshFolder } from '../../../testing/fresh-folder.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import { LeasedPublication } from './remote-publication.ts'

const TTL_SECONDS = 60
const patient = { timeout: 5_000, interval: 10 }

/** A realm provider that operators of two clusters publish one name at; all of them have the clock of the test. */
async function twoClusters(context: TestContext) {
  const folder = freshFolder()
  const publishers = ['east', 'west'].map((name) => {
    const tokenFile = join(folder, name)
    writeFileSync(tokenFile, `the-token-of-${name}\n`)
    return { name, tokenFile, names: ['plaza'] }
  })
  const provider = await aProvider(context, { config: { PUBLICATION_PUBLISHERS: JSON.stringify(publishers) } })
  const { clock, json, url } = provider

  const aCluster = async (name: 'east' | 'west', country: string, players: number) => {
    const scene = { id: 'fountain', name: 'Fountain', baseCoords: [0, 0], usersTotalCount: players, parcels: [[0, 0]] }
    const stats = await aService(context, {
      '/stats/core-status': { healthy: true, userCount: players },
      '/stats/hot-scenes': [scene],
    })
    const adapter = `archipelago:archipelago:wss://${name}.example/cells/0/ws`
    const declared = aRealm({
      realmName: 'plaza',
      publication: { shared: true, location: { country }, providers: [{ url, ttlSeconds: TTL_SECONDS }] },
    })
    const realm: Realm = {
      ...declared,
      metadata: { ...declared.metadata, uid: `uid-of-${name}` },
      status: {
        endpoints: [{ slot: 0, adapter, cell: 'main-0', state: 'Serving' }],
        urls: { stats: `${stats.url}/stats` },
      },
    }
    const anOperator = () => {
      const operator = new LeasedPublication({
        ...{ providers: [{ url, tokenFile: join(folder, name) }], clock, epoch: clock.now(), random: () => 0.5 },
      })
      context.onTestFinished(() => operator.stop())
      operator.watch(realm)
      return { stop: () => operator.stop(), state: () => operator.get(realm.metadata)?.[0]?.state }
    }
    return { anOperator, operator: anOperator(), adapter }
  }

  const clusters = { east: await aCluster('east', 'JP', 3), west: await aCluster('west', 'US', 4) }
  /** Lets time pass in steps in which operators renew their leases and the provider polls statistics. */
  const pass = async (seconds: number) => {
    for (let step = 0; step < seconds; step += 5) {
      clock.advance(5_000)
      // All are in this process: what was asked before is answered by then, however busy the machine is.
      for (let answer = 0; answer < 5; answer++) await json('/realms')
    }
  }
  const adapterFrom = async (country: string) => {
    const about = (await json('/plaza/about', { headers: { 'cf-ipcountry': country } })) as { comms?: { adapter?: string } }
    return about.comms?.adapter
  }
  const hotScene = async () => {
    await pass(5)
    return ((await json('/hot-scenes')) as { usersTotalCount: number; realms: object[] }[])[0]
  }
  const isHeld = (operator: { state(): string | undefined }) =>
    expect
      .poll(() => {
        clock.advance(50)
        return operator.state()
      }, patient)
      .toBe('held')
  await Promise.all(Object.values(clusters).map(({ operator }) => isHeld(operator)))
  return { ...provider, ...clusters, pass, isHeld, adapterFrom, hotScene }
}

test('when one of two clusters that share a name is killed, the other one has all its players within the lease, and shares again after', async (context) => {
  const { east, west, pass, isHeld, adapterFrom, json } = await twoClusters(context)
  await pass(2 * TTL_SECONDS)
  expect([await adapterFrom('KR'), await adapterFrom('MX')]).toEqual([east.adapter, west.adapter])
  expect(await json('/realms')).toMatchObject([{ serverName: 'plaza', usersCount: 7 }])

  await east.operator.stop()
  await pass(TTL_SECONDS)
  expect([await adapterFrom('KR'), await adapterFrom('MX')]).toEqual([west.adapter, west.adapter])
  expect(west.operator.state()).toBe('held')
  expect(await json('/realms')).toMatchObject([{ serverName: 'plaza', usersCount: 4 }])

  const again = east.anOperator()
  await isHeld(again)
  expect([await adapterFrom('KR'), await adapterFrom('MX')]).toEqual([east.adapter, west.adapter])
})

test('hot scenes are those of leased realms too, and of a cluster that was killed only until its lease ends', async (context) => {
  const { east, pass, hotScene } = await twoClusters(context)
  await expect.poll(hotScene, patient).toMatchObject({
    ...{ id: 'fountain', name: 'Fountain', usersTotalCount: 7 },
    realms: [{ serverName: 'plaza', usersCount: 7 }],
  })
  await east.operator.stop()
  await pass(TTL_SECONDS + 10)
  await expect.poll(hotScene, patient).toMatchObject({ usersTotalCount: 4, realms: [{ serverName: 'plaza', usersCount: 4 }] })
})
