// The page knows no key: it asks its own server for a presigned URL, and uploads to the bucket itself.

const find = (id) => document.getElementById(id)

const { endpoint } = await (await fetch("/setup")).json()
find("here").textContent = location.origin
find("endpoint").textContent = endpoint
await showFont()
find("upload").addEventListener("submit", (event) => {
  event.preventDefault()
  upload(find("file").files[0])
})

/** A font is always asked for with CORS (CSS Fonts, section 4.9), wherever its @font-face stands. */
async function showFont() {
  const style = document.createElement("style")
  style.textContent = `@font-face { font-family: "Bucket font"; src: url("${endpoint}/public/dots.ttf"); }`
  document.head.append(style)
  const loaded = await document.fonts.load('1rem "Bucket font"').then(() => true, () => false)
  tell("font", loaded, loaded ? "The line above is set in the bucket's font." : "The browser withheld the font.")
}

/** Upload a file with a fresh presigned URL, and say what the bucket answered. */
async function upload(file) {
  const signed = await fetch(`/presign?name=${encodeURIComponent(file.name)}`, { method: "POST" })
  const { put } = await signed.json()
  try {
    const { status, etag } = await send(put, file, (part) => (find("progress").value = part))
    tell("result", etag !== null, `The bucket answered ${status}; its ETag: ${etag ?? "not for this page to read"}`)
  } catch {
    tell("result", false, "The browser withheld the answer, or did not even send the file.")
  }
}

/** Send a file, and tell `progress` what part of it is sent; that `fetch` cannot do. */
function send(url, file, progress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest()
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / total))
    request.addEventListener("load", () => done({ status: request.status, etag: request.getResponseHeader("ETag") }))
    request.addEventListener("error", failed)
    request.open("PUT", url)
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream")
    request.send(file)
  })
}

function tell(id, good, text) {
  find(id).dataset.state = good ? "good" : "withheld"
  find(id).textContent = text
}
