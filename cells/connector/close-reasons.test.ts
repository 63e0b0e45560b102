import { describe, expect, test } from 'vitest'
import { requestChallenge } from '../../testing/player/player.ts'
import { chainOf, createWallet, delegate, oneLinkChain, threeLinkChain, twoLinkChain } from '../../testing/player/wallet.ts'
import { aWebServer } from '../../testing/web-server.ts'
import { aFakeVerifier } from '../identity/fixtures.ts'
import { clientPackets } from '../wire/packets.ts'
import { aConnector, until } from './fixtures.ts'

const wallet = createWallet('endings')
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const closedWithoutCode = { code: 1005, reason: '' }

describe('bytes that are not a packet close the socket with 1007, in every state', () => {
  const malformed = { code: 1007, reason: 'Cannot decode ClientPacket' }

  test.each(['010203040506', 'ff', '0a05'])('%s at the start', async (hex) => {
    const socket = await (await aConnector()).socket()
    socket.send(bytes(hex))
    expect(await socket.closed).toEqual(malformed)
  })

  test('once challenged', async () => {
    const socket = await (await aConnector()).socket()
    await requestChallenge(socket, wallet.address)
    socket.send(bytes('ff'))
    expect(await socket.closed).toEqual(malformed)
  })

  test('once welcomed; the player leaves', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    player.send(bytes('ff'))
    expect(await player.closed).toEqual(malformed)
    await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'disconnect']))
  })
})

describe('a packet out of order closes the socket with an empty close frame', () => {
  test.each([
    ['an empty packet', ''],
    ['text that happens to decode to nothing', Buffer.from('hello').toString('hex')],
    ['a heartbeat', Buffer.from(clientPackets.heartbeat({ position: { x: 0, y: 0, z: 0 } })).toString('hex')],
    ['a signature', Buffer.from(clientPackets.signedChallenge('[]')).toString('hex')],
    ['an invalid address', Buffer.from(clientPackets.challengeRequest('dcl-anna')).toString('hex')],
  ])('%s at the start', async (_, hex) => {
    const socket = await (await aConnector()).socket()
    socket.send(bytes(hex))
    expect(await socket.closed).toEqual(closedWithoutCode)
  })

  test('a second request', async () => {
    const socket = await (await aConnector()).socket()
    await requestChallenge(socket, wallet.address)
    socket.send(clientPackets.challengeRequest(wallet.address))
    expect(await socket.closed).toEqual(closedWithoutCode)
  })

  test('a packet may arrive in a text frame or a binary frame', async () => {
    const socket = await (await aConnector()).socket()
    socket.send(Buffer.from(clientPackets.challengeRequest(wallet.address)).toString('latin1'))
    expect((await socket.next()).$case).toBe('challengeResponse')
  })

  test('no packet is out of order once the client is welcomed', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    for (const hex of ['', Buffer.from('hello').toString('hex')]) player.send(bytes(hex))
    player.send(clientPackets.challengeRequest(wallet.address))
    player.send(clientPackets.signedChallenge('[]'))
    player.heartbeat({ x: 8, y: 0, z: 8 })
    await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'heartbeat']))
  })
})

describe('an invalid auth chain closes the socket with an empty close frame', () => {
  const refused = async (makeJson: (challenge: string) => string) => {
    const connector = await aConnector()
    const socket = await connector.socket()
    const { challenge } = await requestChallenge(socket, wallet.address)
    socket.send(clientPackets.signedChallenge(makeJson(challenge)))
    expect(await socket.closed).toEqual(closedWithoutCode)
    expect(await connector.metric('handshakes_total{outcome="bad_chain"}')).toBe(1)
    expect(connector.published).toEqual([])
  }
  const expired = delegate(wallet, new Date('2020-01-01T00:00:00Z'))

  test.each<[string, (challenge: string) => string]>([
    ['text that is not JSON', () => 'nonsense'],
    ['JSON that is not an auth chain', () => '{"type":"SIGNER"}'],
    ['a chain without links', () => '[]'],
    ['the one-link forgery', (challenge) => JSON.stringify(oneLinkChain(challenge))],
    ['an expired delegation', (challenge) => JSON.stringify(threeLinkChain(wallet, challenge, expired))],
    ['a signature of another text', () => JSON.stringify(twoLinkChain(wallet, 'dcl-of-my-own'))],
  ])('%s', (_, makeJson) => refused(makeJson))

  test("a chain signed for another socket's challenge", async () => {
    const connector = await aConnector()
    const [mine, other] = [await connector.socket(), await connector.socket()]
    await requestChallenge(mine, wallet.address)
    const { challenge } = await requestChallenge(other, wallet.address)
    mine.send(clientPackets.signedChallenge(JSON.stringify(twoLinkChain(wallet, challenge))))
    expect(await mine.closed).toEqual(closedWithoutCode)
  })

  test('a chain that was used for a session before', async () => {
    const connector = await aConnector()
    const first = await connector.socket()
    const { challenge } = await requestChallenge(first, wallet.address)
    const json = JSON.stringify(threeLinkChain(wallet, challenge))
    first.send(clientPackets.signedChallenge(json))
    expect((await first.next()).$case).toBe('welcome')

    const replay = await connector.socket()
    expect((await requestChallenge(replay, wallet.address)).challenge).not.toBe(challenge)
    replay.send(clientPackets.signedChallenge(json))
    expect(await replay.closed).toEqual(closedWithoutCode)
  })
})

describe('a timeout ends', () => {
  test('a client that sends nothing', async () => {
    const connector = await aConnector()
    const socket = await connector.socket()
    connector.clock.advance(59_000)
    expect(await connector.metric('connections')).toBe(1)
    connector.clock.advance(2_000)
    expect(await socket.closed).toEqual(closedWithoutCode)
    expect(await connector.metric('handshakes_total{outcome="timeout"}')).toBe(1)
  })

  test('a client that does not sign, counted from its challenge', async () => {
    const connector = await aConnector()
    const socket = await connector.socket()
    connector.clock.advance(50_000)
    await requestChallenge(socket, wallet.address)
    connector.clock.advance(59_000)
    expect(await connector.metric('handshakes_total{outcome="timeout"}')).toBe(0)
    connector.clock.advance(2_000)
    expect(await socket.closed).toEqual(closedWithoutCode)
  })

  test('a client whose signature check does not finish', async () => {
    const asked = Promise.withResolvers<void>()
    const verify = () => {
      asked.resolve()
      return new Promise<never>(() => {})
    }
    const hanging = aFakeVerifier(verify)
    const connector = await aConnector({}, { verifier: hanging })
    const socket = await connector.socket()
    const { challenge } = await requestChallenge(socket, wallet.address)
    socket.send(clientPackets.signedChallenge(JSON.stringify(chainOf('two', wallet, challenge))))
    await asked.promise
    connector.clock.advance(61_000)
    expect(await socket.closed).toEqual(closedWithoutCode)
  })

  test('a client that does not answer the close frame', async () => {
    const connector = await aConnector()
    const socket = await connector.socket()
    socket.send(bytes('ff'))
    socket.pause()
    await until(async () => expect(await connector.metric('handshakes_total{outcome="malformed"}')).toBe(1))
    expect(await connector.metric('connections')).toBe(1)
    connector.clock.advance(6_000)
    await until(async () => expect(await connector.metric('connections')).toBe(0))
  })
})

describe('the deny list', () => {
  const other = createWallet('other')

  test('refuses a client that claims or owns a denied wallet, with an empty close frame', async () => {
    const denyList = await aWebServer(() => ({ json: { users: [{ wallet: wallet.address }, { wallet: 'rubbish' }, null] } }))
    const connector = await aConnector({ DENYLIST_URL: denyList })
    await until(async () => expect(await connector.metric('denied_wallets')).toBe(1))

    const claiming = await connector.socket()
    claiming.send(clientPackets.challengeRequest(wallet.address))
    expect(await claiming.closed).toEqual(closedWithoutCode)

    const owning = await connector.socket()
    const { challenge } = await requestChallenge(owning, other.address)
    owning.send(clientPackets.signedChallenge(JSON.stringify(twoLinkChain(wallet, challenge))))
    expect(await owning.closed).toEqual(closedWithoutCode)
    expect(await connector.metric('handshakes_total{outcome="denied"}')).toBe(2)

    await connector.join({ wallet: other })
  })

  test('ends the session of a wallet that comes on it, and of no other', async () => {
    const users: { wallet: string }[] = []
    const list = await aWebServer(() => (users.length > 0 ? { json: { users } } : { status: 503, json: {} }))
    const connector = await aConnector({ DENYLIST_URL: list })
    const [denied, stays] = [await connector.join({ wallet }), await connector.join({ wallet: other })]
    users.push({ wallet: wallet.address })
    connector.clock.advance(40_000) // until it is tried again
    expect(await denied.closed).toEqual(closedWithoutCode)
    await until(async () => expect(await connector.metric('players')).toBe(1))
    stays.close()
  })
})

describe('a platform ban', () => {
  const banned = new Set<string>()
  const gatekeeper = () => aWebServer((path) => ({ json: { data: { isBanned: banned.has(path.split('/')[2] ?? '') } } }))

  test('is sent as `kicked` during the handshake', async () => {
    banned.add(wallet.peer)
    const connector = await aConnector({ COMMS_GATEKEEPER_URL: await gatekeeper() })
    const socket = await connector.socket()
    const { challenge } = await requestChallenge(socket, wallet.address)
    socket.send(clientPackets.signedChallenge(JSON.stringify(twoLinkChain(wallet, challenge))))
    expect((await socket.next()).$case).toBe('kicked')
    expect(await socket.closed).toEqual(closedWithoutCode)
    expect(connector.published).toEqual([])
  })

  test('is sent as `kicked` to a connected player', async () => {
    banned.clear()
    const connector = await aConnector({ COMMS_GATEKEEPER_URL: await gatekeeper() })
    const [player, neighbour] = [await connector.join({ wallet }), await connector.join()]
    banned.add(wallet.peer)
    connector.clock.advance(40_000)
    expect(await player.closed).toEqual(closedWithoutCode)
    expect(player.kicked).toBe(true)
    expect(neighbour.kicked).toBe(false)
    await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'disconnect']))
  })

  test('of a connected player is found soon after the version of the bans changed, without another sweep', async () => {
    banned.clear()
    let version = 1
    const url = await aWebServer((path) =>
      path.endsWith('/version')
        ? { json: { data: { version: String(version) } } }
        : { json: { data: { isBanned: banned.has(path.split('/')[2] ?? '') } } },
    )
    const connector = await aConnector({ COMMS_GATEKEEPER_URL: url, BAN_SWEEP_INTERVAL_MS: 80_000_000 })
    const player = await connector.join({ wallet })
    banned.add(wallet.peer)
    version++
    await until(() => {
      connector.clock.advance(100)
      expect(player.kicked).toBe(true)
    })
  })

  test('is none where a moderator kicks: sessions that are older than the kick end, and the player may come back', async () => {
    let version = '1'
    let kicked: { address: string; secondsAgo: number }[] = []
    const url = await aWebServer((path) =>
      path.endsWith('/version')
        ? { json: { data: { version } } }
        : path === '/users/bans'
          ? { json: { data: { banned: [], kicked } } }
          : { json: { data: { isBanned: false } } },
    )
    const connector = await aConnector({ COMMS_GATEKEEPER_URL: url, BAN_SWEEP_INTERVAL_MS: 80_000_000 })
    const [player, neighbour] = [await connector.join({ wallet }), await connector.join()]
    const kick = (secondsAgo: number) => {
      kicked = [{ address: wallet.peer, secondsAgo }]
      version += '.1'
    }
    connector.clock.advance(5_000)
    kick(4)
    await until(() => {
      connector.clock.advance(100)
      expect(player.kicked).toBe(true)
    })
    expect(await player.closed).toEqual(closedWithoutCode)
    const again = await connector.join({ wallet })
    kick(4)
    for (let n = 0; n < 10; n++) {
      connector.clock.advance(300)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect([again.kicked, neighbour.kicked]).toEqual([false, false])
  })

  test.each<[string, { status?: number; json: unknown } | undefined]>([
    ['fails', { status: 500, json: { data: { isBanned: false } } }],
    ['answers with JSON of another shape', { json: {} }],
    ['hangs', undefined],
  ])('that is known stays in force while the gatekeeper %s', async (_, outage) => {
    let answer: typeof outage = { json: { data: { isBanned: true } } }
    const connector = await aConnector({ COMMS_GATEKEEPER_URL: await aWebServer(() => answer) })
    for (let attempt = 0; attempt < 2; attempt++) {
      const socket = await connector.socket()
      const { challenge } = await requestChallenge(socket, wallet.address)
      socket.send(clientPackets.signedChallenge(JSON.stringify(twoLinkChain(wallet, challenge))))
      expect((await socket.next()).$case).toBe('kicked')
      answer = outage
    }
    answer = { json: { data: { isBanned: false } } }
    await connector.join({ wallet })
  })

  test.each<[string, () => { status?: number; json: unknown } | undefined]>([
    ['fails', () => ({ status: 500, json: { data: { isBanned: true } } })],
    ['answers with JSON of another shape', () => ({ json: null })],
    ['hangs', () => undefined],
  ])('is not applied while the gatekeeper %s', async (_, answer) => {
    const connector = await aConnector({ COMMS_GATEKEEPER_URL: await aWebServer(answer) })
    await connector.join({ wallet })
  })
})

test('a message over 16 KiB drops the connection', async () => {
  const connector = await aConnector()
  const socket = await connector.socket()
  socket.send(clientPackets.signedChallenge('x'.repeat(16 * 1024)))
  expect(await socket.closed).toEqual({ code: 1006, reason: '' })
})

test('a message of 16 KiB does not', async () => {
  const connector = await aConnector()
  const socket = await connector.socket()
  await requestChallenge(socket, wallet.address)
  const largest = clientPackets.signedChallenge('x'.repeat(16 * 1024 - 6))
  expect(largest.length).toBe(16 * 1024)
  socket.send(largest)
  expect(await socket.closed).toEqual(closedWithoutCode)
})
