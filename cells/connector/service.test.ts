import { expect, test } from 'vitest'
import { UserError } from '../chassis/errors.ts'
import { readConfig } from './config.ts'
import { aBus, aConnector, until } from './fixtures.ts'
import { main } from './main.ts'

test('the status counts the players and can be read by any web page', async () => {
  const connector = await aConnector({ CURRENT_VERSION: '1.2.3', COMMIT_HASH: 'abc1234' })
  await connector.join()
  for (const path of ['/status', '/cells/7/status']) {
    const answer = await fetch(connector.http + path, { headers: { origin: 'https://play.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await answer.json()).toEqual({
      version: '1.2.3',
      currentTime: connector.clock.now(),
      commitHash: 'abc1234',
      userCount: 1,
    })
  }
})

test('the status of an unknown build has empty strings', async () => {
  const connector = await aConnector()
  expect(await (await fetch(`${connector.http}/status`)).json()).toMatchObject({ version: '', commitHash: '', userCount: 0 })
})

test('health and metrics are at the same paths as in every service', async () => {
  const connector = await aConnector()
  expect(await (await fetch(`${connector.http}/health/live`)).text()).toBe('alive')
  expect((await fetch(`${connector.http}/health/ready`)).status).toBe(200)
  const metrics = await (await fetch(`${connector.http}/metrics`)).text()
  expect(metrics).toContain('# HELP realm_connector_players Players with a session on this connector.')
  connector.bus.become('disconnected')
  connector.clock.advance(16_000)
  expect((await fetch(`${connector.http}/health/ready`)).status).toBe(503)
  expect((await fetch(`${connector.http}/health/live`)).status).toBe(200)
})

test('a handshake is measured', async () => {
  const connector = await aConnector()
  await connector.join({ chain: 'three' })
  expect(await connector.metric('handshakes_total{outcome="welcomed"}')).toBe(1)
  expect(await connector.metric('handshake_seconds_count')).toBe(1)
})

test('connectors of two cells on one bus do not receive the messages of the other', async () => {
  const bus = aBus()
  const east = await aConnector({ BUS_SCOPE: 'realms.main.0' }, { bus })
  const west = await aConnector({ BUS_SCOPE: 'realms.main.1' }, { bus })
  const player = await east.join()
  const subjects: string[] = []
  bus.subscribe('realms.main.0.peer.*.*', (_, subject) => subjects.push(subject))
  player.heartbeat({ x: 1, y: 0, z: 0 })
  await until(() => expect(subjects).toEqual([`realms.main.0.peer.${player.peer}.heartbeat`]))
  await west.join({ wallet: player.wallet })
  expect(player.kicked).toBe(false)
})

test('the defaults are those of the protocol', () => {
  expect(readConfig({})).toMatchObject({
    HTTP_SERVER_PORT: 5001,
    HANDSHAKE_TIMEOUT: 60_000,
    IDLE_TIMEOUT_MS: 90_000,
    MAX_CONNECTIONS: 15_000,
    MAX_CONNECTIONS_PER_ADDRESS: 100,
    DRAIN_SECONDS: 30,
    BUS_SCOPE: '',
  })
})

test('all errors of a configuration are reported at once', () => {
  expect(() => readConfig({ HANDSHAKE_TIMEOUT: '0', DENYLIST_URL: 'nowhere', DRAIN_SECONDS: 'soon' })).toThrow(
    /HANDSHAKE_TIMEOUT[\s\S]*DRAIN_SECONDS[\s\S]*DENYLIST_URL/,
  )
})

test('a connector without a broker reports that', async () => {
  await expect(main({})).rejects.toThrow(new UserError('NATS_URL is required', 2))
})
