import { readdirSync } from 'node:fs'
import { chmod, copyFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { cached } from './cache.ts'
import { downloaded, goBlocker } from './go.ts'
import type { Part } from './part.ts'

/** Where a project keeps CRDs in its Go module. */
interface CrdSource {
  module: string
  version: string
  /** A folder, or one file. */
  path: string
}

/** The CRDs of the Gateway API, its standard channel, as YAML files in a folder. */
export const gatewayApi = (): Part => {
  const source = { module: 'sigs.k8s.io/gateway-api', version: '1.4.1', path: 'config/crd/standard' }
  return crdsOf('gateway-api-1.4.1', 'the CRDs of the Gateway API', [source])
}

const FLUX = '1.9.6'

/** The CRDs of the other projects whose objects are in the examples, as YAML files in a folder. Nothing of them is built or run. */
export const foreignCrds = (): Part =>
  crdsOf('foreign-crds-2', 'the CRDs of Argo CD, Flux, KEDA, cert-manager and the External Secrets operator', [
    { module: 'github.com/argoproj/argo-cd/v3', version: '3.5.7', path: 'manifests/crds/application-crd.yaml' },
    {
      module: 'github.com/cert-manager/cert-manager',
      version: '1.21.2',
      path: 'deploy/crds/cert-manager.io_clusterissuers.yaml',
    },
    {
      module: 'github.com/cert-manager/cert-manager',
      version: '1.21.2',
      path: 'deploy/crds/cert-manager.io_certificates.yaml',
    },
    {
      module: 'github.com/external-secrets/external-secrets',
      version: '1.3.2',
      path: 'config/crds/bases/external-secrets.io_externalsecrets.yaml',
    },
    {
      module: 'github.com/fluxcd/kustomize-controller',
      version: FLUX,
      path: 'config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml',
    },
    {
      module: 'github.com/fluxcd/source-controller',
      version: FLUX,
      path: 'config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml',
    },
    { module: 'github.com/kedacore/keda/v2', version: '2.21.0', path: 'config/crd/bases/keda.sh_scaledobjects.yaml' },
  ])

/** @param key changes with the sources */
const crdsOf = (key: string, what: string, sources: readonly CrdSource[]): Part =>
  cached({
    key,
    announcement: `downloading ${what} with their Go modules, about ${sources.length * 5} seconds`,
    blocker: goBlocker,
    fill: async (folder) => {
      for (const { module, version, path } of sources) {
        const from = join(await downloaded(module, version), path)
        const files = path.endsWith('.yaml') ? [from] : (await readdir(from)).map((name) => join(from, name))
        for (const file of files) {
          const to = join(folder, basename(file))
          await copyFile(file, to)
          // What the module cache holds is read-only.
          await chmod(to, 0o644)
        }
      }
      if (readdirSync(folder).length < sources.length) throw new Error(`${what} are not where they were`)
    },
    path: (folder) => folder,
  })
