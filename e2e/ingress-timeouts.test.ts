import { expect, onTestFinished, test } from 'vitest'
import { aConnector, type TestConnector } from '../cells/connector/fixtures.ts'
import { type Ingress, realmIngress } from '../operator/desired/manifests/ingress.ts'
import { aRealm } from '../operator/desired/realm.fixtures.ts'
import { withPart } from '../testing/parts/with-part.ts'
import type { Player } from '../testing/player/player.ts'
import { startNginx } from '../testing/proxies/nginx.ts'
import { nginxConfiguration } from '../testing/proxies/nginx-configuration.ts'

/** So short that the minute of nginx is over in 3 s, and the day that Ingresses ask for lasts 72 minutes. */
const SECOND_MS = 50
/** In the case of old workers, which have 240 s. */
const SHORTER_SECOND_MS = 10
const HEARTBEAT_MS = 200

/** `worker-shutdown-timeout` of ingress-nginx. */
const OLD_WORKERS_SECONDS = 240

const ingressAt = (host: string): Ingress => {
  const ingress = realmIngress(aRealm({ exposure: { type: 'Ingress', host } }))
  if (!ingress) throw new Error(`there is no Ingress for ${host}`)
  return ingress
}
const withoutAnnotations = ({ metadata, ...rest }: Ingress): Ingress => ({ ...rest, metadata: { ...metadata, annotations: {} } })

/** Players who stand still behind a proxy: one whose explorer sends heartbeats, and one whose explorer sends nothing. */
async function standStill(connector: TestConnector, port: number, host: string) {
  const join = () => connector.join({ url: `ws://127.0.0.1:${port}/cells/0/ws`, headers: { host } })
  const [talking, silent] = [await join(), await join()]
  const heartbeats = setInterval(() => talking.heartbeat({ x: 1, y: 0, z: 1 }), HEARTBEAT_MS)
  onTestFinished(() => {
    clearInterval(heartbeats)
    for (const player of [talking, silent]) player.close()
  })
  return { talking, silent }
}

async function isReached(connector: TestConnector, player: Player): Promise<boolean> {
  connector.place(player.peer, 'island')
  return (await player.nextIsland(5_000)).islandId === 'island'
}

withPart('nginx', 'a real nginx with the Ingress of a realm', (part) => {
  test('keeps the socket of a silent player with the time-outs that the Ingress asks for, and ends it without them', async () => {
    const connector = await aConnector()
    const address = new URL(connector.http).host
    const ingresses = [ingressAt('main.example.org'), withoutAnnotations(ingressAt('plain.example.org'))]
    const nginx = await startNginx(part, (port) => nginxConfiguration(ingresses, () => [address], { secondMs: SECOND_MS, port }))
    onTestFinished(nginx.stop)
    const asked = await standStill(connector, nginx.port, 'main.example.org')
    const plain = await standStill(connector, nginx.port, 'plain.example.org')
    expect(await plain.silent.closed).toMatchObject({ code: 1006 })
    // What it documents as a limit of what the server sends starts anew with what the client sends, too.
    expect(await isReached(connector, plain.talking)).toBe(true)
    expect(await isReached(connector, asked.silent)).toBe(true)
  })

  test('keeps sockets when its configuration changes for as long as its old workers may run', async () => {
    const connector = await aConnector()
    const address = new URL(connector.http).host
    const players = await Promise.all(
      [OLD_WORKERS_SECONDS, undefined].map(async (workerShutdownSeconds) => {
        const of = (hosts: readonly string[]) => (port: number) =>
          nginxConfiguration(hosts.map(ingressAt), () => [address], { secondMs: SHORTER_SECOND_MS, port, workerShutdownSeconds })
        const nginx = await startNginx(part, of(['main.example.org']))
        onTestFinished(nginx.stop)
        const { talking: player } = await standStill(connector, nginx.port, 'main.example.org')
        return { player, change: () => nginx.reload(of(['main.example.org', 'other.example.org'])(nginx.port)) }
      }),
    )
    const [limited, unlimited] = players
    if (!limited || !unlimited) throw new Error('there are two players')
    await Promise.all(players.map(({ change }) => change()))
    expect(await limited.player.closed).toMatchObject({ code: 1006 })
    expect(await isReached(connector, unlimited.player)).toBe(true)
  })
})
