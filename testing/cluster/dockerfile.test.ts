import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseDockerfile } from './dockerfile.ts'
import { settingsOf } from './image.ts'

const ours = parseDockerfile(readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8'))

test('the tests can execute every step of our Dockerfile without Docker', () => {
  expect(ours.map(({ name, base }) => [name, base])).toEqual([
    ['tools', 'node:24-slim'],
    ['build', 'tools'],
    ['modules', 'node:24-slim'],
    ['3', 'node:24-slim'],
  ])
})

test('the last stage only copies files, so that the image built without Docker has the same content', () => {
  const copied = ours.at(-1)?.steps.flatMap((step) => (step.does === 'copy' ? [[step.from, ...step.sources, step.target]] : []))
  expect(copied).toEqual([
    ['modules', '/app/node_modules', './node_modules'],
    ['build', '/app/dist', './dist'],
    [undefined, 'package.json', 'LICENSE', 'NOTICE', './'],
    [undefined, 'crds/realm.crd.yaml', 'crds/commscell.crd.yaml', './crds/'],
  ])
  expect(ours.at(-1)?.steps.filter(({ does }) => does === 'run')).toEqual([])
})

test('the image runs the services as an unprivileged user', () => {
  expect(settingsOf(ours.at(-1) ?? ours[0])).toMatchObject({
    entrypoint: ['node', '--max-semi-space-size=16', '/app/dist/cells/main.js'],
    user: '65532:65532',
    workdir: '/app',
    env: { NODE_ENV: 'production' },
  })
})

test('comments are dropped, and continued lines are joined', () => {
  const [stage] = parseDockerfile('# why\nFROM scratch\nRUN one && \\\n    two\n')
  expect(stage.steps).toEqual([{ does: 'run', command: 'one &&      two' }])
})

test.each(['ADD a b', 'RUN --mount=type=cache npm ci', 'COPY --chown=1 a b', 'ENV A b', 'EXPOSE 80'])(
  '%s is refused and not ignored',
  (line) => {
    expect(() => parseDockerfile(`FROM scratch\n${line}\n`)).toThrow('is not supported')
  },
)
