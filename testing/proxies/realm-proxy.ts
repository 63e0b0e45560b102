import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Realm } from '../../crds/realm.ts'
import { PROXY_PORTS, proxyConfig } from '../../operator/desired/manifests/proxy-config.ts'
import { PROXY_PROGRAM } from '../../operator/desired/manifests/proxy-program.ts'
import { freePort } from '../free-port.ts'
import { librariesOf, programOf } from '../parts/unpacked.ts'
import { type Program, startProgram } from '../program.ts'
import { startNameServer } from './name-server.ts'

const DOMAIN = 'cluster.local'
/** Where Secrets are in the pod. */
const SECRETS = '/run/secrets/realm'

/** The proxy of a realm with a load balancer, as its pod runs it. */
export interface RealmProxy {
  http: number
  https: number
  ready: number
  program: Program
  /** Ports of this machine at which Services are, by name; a Service that is missing here does not exist. */
  services: Map<string, number>
  /** Writes the configuration of another state of the realm, as the kubelet does, and waits until nginx has it. */
  change(realm: Realm, gatekeeperHosts?: readonly string[]): Promise<void>
  /** Writes a certificate, and waits until nginx has it. */
  renew(secret: string, certificate: Certificate): Promise<void>
  /** Writes a file as it is, and waits for a sentence in the log. */
  spoil(file: 'nginx.conf' | string, text: string, sentence: RegExp): Promise<void>
  stop(): Promise<void>
}

export interface Certificate {
  certPem: string
  keyPem: string
}

interface RealmProxyOptions {
  realm: Realm
  gatekeeperHosts?: readonly string[]
  services?: Iterable<[string, number]>
  certificates?: Record<string, Certificate>
  settleSeconds?: number
  drainSeconds?: number
}

/**
 * Starts the program and the configuration that the operator writes, with the nginx of the part `nginx`. Only the ports are others: those of
 * this machine, and the folders. A Service that comes later has to have its port in `services` before its configuration is written.
 */
export async function startRealmProxy(part: string, options: RealmProxyOptions): Promise<RealmProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'realm-proxy-'))
  const [config, state, secrets] = [join(folder, 'config'), join(folder, 'state'), join(folder, 'secrets')]
  for (const each of [config, state, secrets]) await mkdir(each)
  const services = new Map(options.services ?? [])
  const nameServer = await startNameServer((name) => services.has(name.split('.')[0] ?? ''))
  const [http, https, ready] = [await freePort(), await freePort(), await freePort()]
  const portOf = new Map<number, number>([
    [PROXY_PORTS.http, http],
    [PROXY_PORTS.https, https],
    [PROXY_PORTS.ready, ready],
  ])
  const localised = (text: string) =>
    text
      .replaceAll(/^( *listen (?:\[::\]|[\d.]+):)(\d+)/gm, (_, before: string, port: string) => before + portOf.get(Number(port)))
      .replaceAll(
        /(\/\/([\w-]+)[^:/]*):\d+(?=\$request_uri)/g,
        (_, before: string, name: string) => `${before}:${services.get(name) ?? 9}`,
      )
      .replaceAll(SECRETS, secrets)
  const writeConfig = (realm: Realm, hosts: readonly string[] = []) =>
    writeFile(join(config, 'nginx.conf'), localised(proxyConfig(realm, DOMAIN, hosts)))
  const writeCertificate = async (secret: string, { certPem, keyPem }: Certificate) => {
    await mkdir(join(secrets, secret), { recursive: true })
    await writeFile(join(secrets, secret, 'tls.key'), keyPem)
    await writeFile(join(secrets, secret, 'tls.crt'), certPem)
  }
  await writeConfig(options.realm, options.gatekeeperHosts)
  for (const [secret, certificate] of Object.entries(options.certificates ?? {})) await writeCertificate(secret, certificate)
  await writeFile(join(config, 'run.sh'), PROXY_PROGRAM)
  await writeFile(join(folder, 'resolv.conf'), `nameserver 127.0.0.1:${nameServer.port}\n`)
  const program = startProgram('/bin/sh', [join(config, 'run.sh')], {
    env: {
      ...librariesOf(part),
      PATH: `${join(programOf(part, 'nginx'), '..')}:${process.env.PATH}`,
      CONFIG_FOLDER: config,
      STATE_FOLDER: state,
      CERTIFICATES_FOLDER: secrets,
      RESOLV_CONF: join(folder, 'resolv.conf'),
      SETTLE_SECONDS: String(options.settleSeconds ?? 0),
      DRAIN_SECONDS: String(options.drainSeconds ?? 0),
    },
  })
  await untilReady(program, ready)
  const afterwards = async (sentence: RegExp, write: () => Promise<void>) => {
    const before = program.output().length
    await write()
    await program.prints(new RegExp(`(?<=^[\\s\\S]{${before},})${sentence.source}`))
  }
  return {
    ...{ http, https, ready, program, services },
    change: (realm, hosts) => afterwards(/reloaded/, () => writeConfig(realm, hosts)),
    renew: (secret, certificate) => afterwards(/reloaded/, () => writeCertificate(secret, certificate)),
    spoil: (file, text, sentence) =>
      afterwards(sentence, () => writeFile(file === 'nginx.conf' ? join(config, file) : join(secrets, file), text)),
    async stop() {
      await program[Symbol.asyncDispose]()
      nameServer.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const READY_MS = 20_000

async function untilReady(program: Program, port: number): Promise<void> {
  const since = performance.now()
  let ended: number | string | undefined
  void program.ended.then((how) => {
    ended = how
  })
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined)
    if (answer?.status === 200) return
    if (ended !== undefined || performance.now() - since > READY_MS)
      throw new Error(`the proxy did not become ready:\n${program.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
