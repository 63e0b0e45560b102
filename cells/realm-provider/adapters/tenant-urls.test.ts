import { expect, test } from 'vitest'
import { aCatalystAbout, aProvider, aRealm, aService } from '../fixtures.ts'

const timing = {
  catalysts: { periodMs: 20, retryMs: 10, timeoutMs: 200 },
  stats: { periodMs: 20, timeoutMs: 200 },
}

test('a realm provider asks no address of its own machine or links for a tenant', async (t) => {
  const secret = await aService(t, { '/stats/core-status': { healthy: true, userCount: 7 }, '/stats/hot-scenes': [] })
  secret.state.answers['/about'] = aCatalystAbout(secret.url)
  const { source, json, metrics } = await aProvider(t, { realTime: true, timing, config: { ALLOW_LOCAL_URLS: 'false' } })
  const byName = secret.url.replace('127.0.0.1', 'localhost')
  source.set(aRealm({ content: { catalysts: [secret.url, byName] }, statsUrl: `${byName}/stats` }))
  const failures = async (name: string) =>
    Number(new RegExp(`${name}_failures_total (\\d+)`).exec(await metrics.registry.metrics())?.[1])
  await expect.poll(() => failures('catalyst')).toBeGreaterThan(4)
  await expect.poll(() => failures('stats')).toBeGreaterThan(4)
  expect(secret.state.asked).toEqual([])
  expect(await json('/main/about')).toMatchObject({ content: { healthy: false } })
})
