import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { aConfig, aVerifier } from '../../cells/gatekeeper/fixtures.ts'
import { startGatekeeper } from '../../cells/gatekeeper/service.ts'
import { ban, bans, decisions, unban } from './moderate.ts'

const MODERATOR_TOKEN = 'moderators-token-0123'
const wallet = `0x${'a'.repeat(40)}`

/** A gatekeeper with an embedded database, and what the commands printed. */
async function aGatekeeper(_: TestContext) {
  const service = await startGatekeeper(aConfig({ MODERATOR_TOKEN }), {
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
  const time = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'
  expect(printed).toEqual([
    `Banned ${wallet} for 2 days.`,
    expect.stringMatching(new RegExp(`^${wallet}\\t${time}\\t${time}\\truth\\tspam and more\\n$`)),
    `${wallet} is not banned any more.`,
    '',
    expect.stringMatching(/\tunban\t.*\tdone\n.*\tban\t.*\tspam\tbanned already\n.*\tban\t.*\tspam and more\tdone\n$/),
  ])
  await expect(bans(options, { ...ports, env: { MODERATOR_TOKEN: 'another-token' } })).rejects.toMatchObject({
    message: 'The gatekeeper refuses (401): You are not authorized to access this resource',
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
