import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import type { Certificate } from '../../observed/certificate.ts'
import { RealmCertificates } from './realm-certificates.ts'

const host = 'realm.example.org'
const https = { type: 'Ingress', host, tlsSecretName: 'tls' } as const
const valid: Certificate = { state: 'valid', expiresAt: 0 }
const otherHost: Certificate = { state: 'otherHost', isDefault: true }

function aWatch(first: Certificate = valid) {
  const clock = new ManualClock()
  const world = { answer: first, asked: [] as string[] }
  const notified: string[] = []
  const probe = async (asked: string) => {
    world.asked.push(asked)
    return world.answer
  }
  const certificates = new RealmCertificates({ log: silentLog, clock, random: () => 1, probe })
  certificates.onChange(({ name }) => notified.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 250) {
      clock.advance(250)
      await new Promise(setImmediate)
    }
  }
  const seen = (realm = aRealm({ exposure: https })) => {
    certificates.watch(realm)
    return certificates.get(realm.metadata)
  }
  return { certificates, seen, world, notified, pass }
}

test('only a host with HTTPS at its usual port is looked at', async () => {
  const { seen, world, pass } = aWatch()
  const hostOf = (exposure: object) => seen(aRealm({ exposure }))?.host
  expect(hostOf({ type: 'Ingress', host })).toBeUndefined()
  expect(hostOf({ type: 'Ingress', host, tls: 'Terminated' })).toBe(host)
  expect(hostOf({ url: 'http://a.example.org' })).toBeUndefined()
  expect(hostOf({ url: 'https://a.example.org:8443' })).toBeUndefined()
  expect(hostOf({})).toBeUndefined()
  await pass(1_000)
  expect(world.asked).toEqual([])
  expect(hostOf({ url: 'https://a.example.org/main' })).toBe('a.example.org')
  expect(hostOf({ url: 'https://[2001:db8::1]' })).toBe('2001:db8::1')
  expect(hostOf(https)).toBe(host)
  await pass(1_000)
  expect(world.asked).toContain(host)
})

test('a valid certificate is known after the first look, and a fault after two', async () => {
  const { seen, world, notified, pass } = aWatch(otherHost)
  expect(seen()).toEqual({ host, state: 'unknown' })
  await pass(500)
  expect(seen()).toEqual({ host, state: 'unknown' })
  await pass(4_000)
  expect(seen()).toEqual({ host, ...otherHost })
  world.answer = valid
  await pass(30_000)
  expect(seen()).toEqual({ host, ...valid })
  expect(notified).toEqual(['main', 'main'])
})

test('a Secret that goes is told within 30 s, and a proxy that reads a new one for a moment is no fault', async () => {
  const { seen, world, notified, pass } = aWatch()
  seen()
  await pass(500)
  world.answer = otherHost
  await pass(30_000)
  expect(seen()).toMatchObject({ state: 'otherHost' })
  world.answer = valid
  await pass(30_000)
  const before = world.asked.length
  world.answer = { state: 'unreached' }
  while (world.asked.length === before) await pass(250)
  world.answer = valid
  await pass(30_000)
  expect(seen()).toMatchObject({ state: 'valid' })
  expect(notified).toHaveLength(3)
})

test('a realm that is forgotten is looked at no more', async () => {
  const { certificates, seen, world, pass } = aWatch()
  seen()
  await pass(500)
  certificates.forget({ namespace: 'metaverse', name: 'main' })
  const before = world.asked.length
  await pass(60_000)
  expect(world.asked).toHaveLength(before)
  expect(certificates.get({ namespace: 'metaverse', name: 'main' })).toBeUndefined()
})
