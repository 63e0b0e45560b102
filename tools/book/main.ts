import { fileURLToPath } from 'node:url'
import { build, createServer } from 'vitepress'

// npm run book: writes the book into dist-book, or into a folder that is named.
// npm run book -- dev: shows it in a browser and follows what is changed.

const folder = fileURLToPath(new URL('./', import.meta.url))
const [to] = process.argv.slice(2)

if (to === 'dev') {
  const server = await createServer(folder)
  await server.listen()
  server.printUrls()
} else {
  await build(folder, to === undefined ? {} : { outDir: to })
}
