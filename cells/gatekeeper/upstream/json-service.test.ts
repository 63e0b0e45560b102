import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { ManualClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { someServices } from './fixtures.ts'
import { JsonService } from './json-service.ts'

const anything = z.array(z.unknown())

async function aService() {
  const [services, clock] = [await someServices(), new ManualClock()]
  return {
    services,
    clock,
    service: new JsonService({ name: 'the leases', url: `${services.url}/leases/`, declaredBy: 'a test', clock, log: silentLog }),
  }
}

test('equal questions at the same time are one request, and their answer stands for a minute', async () => {
  const { services, clock, service } = await aService()
  expect(await Promise.all(Array.from({ length: 5 }, () => service.ask('a', anything)))).toEqual(Array(5).fill([]))
  clock.advance(59_999)
  await service.ask('a', anything)
  expect(services.requests).toEqual(['/leases/a'])
  clock.advance(2)
  await service.ask('a', anything)
  expect(services.requests.length).toBe(2)
})

test.for(['broken', 'other shape'] as const)('a service that is %s is an outage, which is not remembered', async (mood) => {
  const { services, service } = await aService()
  services.mood = mood
  await expect(service.ask('a', anything)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'Could not ask the leases now' })
  services.mood = 'right'
  expect(await service.ask('a', anything)).toEqual([])
})

test('a service that does not answer is an outage after a few seconds', async () => {
  vi.setConfig({ testTimeout: 20_000 })
  const { services, service } = await aService()
  services.mood = 'slow'
  await expect(service.ask('a', anything)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('what a service does not know is undefined, and not an outage', async () => {
  const [services, clock] = [await someServices(), new ManualClock()]
  const service = new JsonService({ name: 'worlds', url: `${services.url}/worlds`, clock, declaredBy: 'a test', log: silentLog })
  expect(await service.ask('world/nowhere/permissions', anything)).toBeUndefined()
})
