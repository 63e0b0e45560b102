import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { GatekeeperConfig } from '../../cells/gatekeeper/config.ts'
import { aConfig, aVerifier } from '../../cells/gatekeeper/fixtures.ts'
import { startGatekeeper } from '../../cells/gatekeeper/service.ts'
import { admins } from './admins.ts'
import { ban, bans, decisions, kick, unban } from './moderate.ts'
import { who } from './who.ts'

const MODERATOR_TOKEN = 'moderators-token-0123'
const wallet = `0x${'a'.repeat(40)}`

/** A gatekeeper with an embedded database, and what the commands printed. */
async function aGatekeeper(_: TestContext, config: Partial<GatekeeperConfig> = {}) {
  const service = await startGatekeeper(aConfig({ MODERATOR_TOKEN, ...config }), {
    ...{ log: silentLog, clock: systemClock, verifier: aVerifier(), metrics: new Metrics('gatekeeper') },
  })
  const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await http.stop()
    await service.stop()
  })
  const printed: string[] = []
  const print = async (text: string) => void printed.push(text)
  return {
    printed,
    options: { gatekeeper: `${http.url}/gatekeeper`, as: 'Ruth' },
    ports: { env: { MODERATOR_TOKEN }, say: (sentence: string) => printed.push(sentence), print } as const,
  }
}

test('a ban is made, listed, lifted, and in the record of decisions', { timeout: 60_000 }, async (t) => {
  const { options, ports, printed } = await aGatekeeper(t)
  await ban(wallet, { ...options, reason: 'spam\nand more', days: 2 }, ports)
  await bans(options, ports)
  await expect(ban(wallet, { ...options, reason: 'spam' }, ports)).rejects.toMatchObject({
    message: `The gatekeeper refuses (409): The player ${wallet} is already banned`,
    exitCode: 1,
  })
  await unban(wallet, options, ports)
  await bans(options, ports)
  await decisions({ ...options, of: wallet }, ports)
  await ban(wallet, { ...options, reason: 'spam' }, ports)
  await bans(options, ports)
  const time = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'
  expect(printed).toEqual([
    `Banned ${wallet} for 2 days.`,
    expect.stringMatching(new RegExp(`^WALLET +SINCE +UNTIL +BY +REASON\\n${wallet}  ${time}  ${time}  ruth  spam and more\\n$`)),
    `${wallet} is not banned any more.`,
    'No player is banned.\n',
    expect.stringMatching(/ unban .* done\n.* ban .* spam +banned already\n.* ban .* spam and more +done\n$/),
    `Banned ${wallet}.`,
    expect.stringMatching(new RegExp(`${wallet}  ${time}  no end +ruth  spam\n$`)),
  ])
  await expect(bans({ ...options, gatekeeper: options.gatekeeper.replace(/gatekeeper$/, 'stats') }, ports)).rejects.toMatchObject(
    {
      message: expect.stringMatching(/stats is no gatekeeper: it has no \/bans\. Give status\.urls\.gatekeeper/),
      exitCode: 4,
    },
  )
  await expect(bans(options, { ...ports, env: { MODERATOR_TOKEN: 'another-token' } })).rejects.toMatchObject({
    message: expect.stringMatching(/^The gatekeeper refuses \(401\): You are not authorized .*moderatorTokenSecret/),
  })
})

test.for([
  ['an address that is none', 'ana', {}, { MODERATOR_TOKEN }, 2, 'ana is no wallet address: expected 0x and 40 hex digits.'],
  ['no token', wallet, {}, {}, 2, 'A moderators’ token is needed: give --token-file, or set MODERATOR_TOKEN.'],
  ['a token file that is not there', wallet, { tokenFile: '/nowhere/token' }, {}, 2, /\/nowhere\/token cannot be read/],
  ['a gatekeeper that is away', wallet, {}, { MODERATOR_TOKEN }, 4, /http:\/\/127\.0\.0\.1:1 does not answer/],
] as const)('%s is named', async ([, given, more, env, exitCode, message]) => {
  const ports = { env, say: () => {}, print: async () => {} }
  await expect(unban(given, { gatekeeper: 'http://127.0.0.1:1', ...more }, ports)).rejects.toMatchObject({
    exitCode,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  })
})

test('a player is kicked and found, and moderators and administrators are listed', { timeout: 60_000 }, async (t) => {
  const { options, ports, printed } = await aGatekeeper(t, { LIVEKIT_HOST: undefined })
  const last = () => printed.at(-1)
  await kick(wallet, { ...options, reason: 'shouting' }, ports)
  expect(last()).toMatch(new RegExp(`^Kicked ${wallet}: it was in no room of LiveKit`))
  await ban(wallet, { ...options, reason: 'spam\u001b[2J' }, ports)

  const peer = { id: wallet, address: wallet, lastPing: 1_700_000_000_000, parcel: [3, -4] }
  const statistics = (status: number) => async (url: string) =>
    url.endsWith('/islands')
      ? {
          ok: true as const,
          status: 200,
          body: {
            islands: [
              { id: 'I1', peers: [] },
              { id: 'I7', peers: [peer] },
            ],
          },
        }
      : { ok: true as const, status, body: status === 200 ? { ok: true, peer } : { ok: false, peer: null } }
  await who(wallet.toUpperCase().replace('0X', '0x'), options, { ...ports, ask: statistics(200) })
  expect(last()).toMatch(/connected +yes, last position at 2023-11-14T22:13:20.000Z\nparcel +3,-4\nisland +I7\nrooms +unknown/)
  expect(last()).toMatch(/ban +by ruth, from [^ ]+Z without an end: spam \[2J\nwarnings +0\nscene bans +none\n$/)
  expect(last()).not.toContain('\u001b')
  await who(wallet, { ...options, output: 'json' }, { ...ports, ask: statistics(200) })
  expect(JSON.parse(last() ?? '')).toMatchObject({
    address: wallet,
    ban: { reason: 'spam\u001b[2J' },
    statistics: { island: 'I7' },
  })
  await who(wallet, options, { ...ports, ask: async () => ({ ok: true, status: 502, body: undefined }) })
  expect(last()).toContain('unknown: the statistics do not answer')

  await admins(options, ports)
  expect(last()).toBe('MODERATOR  BY\ntools      the token\n')
  await admins({ ...options, output: 'json' }, ports)
  expect(JSON.parse(last() ?? '')).toEqual({ wallets: [], token: true })
  for (const [of, missing] of [
    [{ scene: '10,10' }, 'no URL of the content server: spec.content.catalysts of its Realm, or CONTENT_URL,'],
    [{ world: 'ana.dcl.eth' }, 'no URL of the worlds content server: spec.gatekeeper.worlds of its Realm, or WORLD_CONTENT_URL,'],
  ] as const)
    await expect(admins({ ...options, ...of }, ports)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining(missing),
    })
})

test.for([
  [{ add: wallet }, /spec\.gatekeeper\.moderators of the Realm/],
  [{ add: wallet, remove: wallet, scene: '1,1' }, /either --add or --remove/],
  [{ add: wallet, scene: '1,1' }, /--reason is needed/],
  [{ add: 'ana', scene: '1,1', reason: 'x' }, /ana is no wallet address/],
] as const)('administrators with %j are refused before anything is sent', async ([given, message]) => {
  const ports = { env: { MODERATOR_TOKEN }, say: () => {}, print: async () => {} }
  await expect(admins({ gatekeeper: 'http://127.0.0.1:1', ...given }, ports)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(message),
  })
})
