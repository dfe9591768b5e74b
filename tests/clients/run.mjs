// Drives a running server with published clients as they are. Arguments: the server's URL, a small workflow in API form, a
// image. Prints PASS or FAIL lines.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [url, workflowPath, imagePath] = process.argv.slice(2);
const host = new URL(url).host;
const fresh = (seed) => {
  const workflow = JSON.parse(readFileSync(workflowPath, 'utf8'));
  for (const node of Object.values(workflow)) if (node.class_type === 'KSampler') node.inputs.seed = seed;
  return workflow;
};
const idOf = (workflow, type) => Object.keys(workflow).find((id) => workflow[id].class_type === type);
const require = createRequire(import.meta.url);

function expect(condition, what) {
  if (!condition) throw new Error(what);
}
const isPng = (bytes) => Buffer.from(bytes).subarray(1, 4).toString() === 'PNG';

async function test(name, run) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error('it took longer than two minutes')), 120_000).unref();
  });
  try {
    await Promise.race([run(), late]);
    console.log(`PASS ${name}`);
  } catch (error) {
    console.log(`FAIL ${name}: ${String(error?.stack ?? error).split('\n').slice(0, 3).join(' | ')}`);
  }
}

await test('saintno_comfyui_sdk', async () => {
  const { ComfyApi, CallWrapper, PromptBuilder } = await import('@saintno/comfyui-sdk');
  const api = await new ComfyApi(url).init(5, 500).waitForReady();
  expect((await api.getCheckpoints()).length > 0, 'no checkpoints');
  expect(JSON.stringify(await api.getSamplerInfo()).includes('euler'), 'no euler');
  expect(Object.keys(await api.getNodeDefs()).includes('KSampler'), 'no KSampler');
  await api.getSystemStats();
  await api.getQueue();
  const workflow = fresh(101);
  const builder = new PromptBuilder(workflow, ['seed'], ['images'])
    .setInputNode('seed', `${idOf(workflow, 'KSampler')}.inputs.seed`)
    .setOutputNode('images', idOf(workflow, 'SaveImage'))
    .input('seed', 102);
  let progress = 0;
  const result = await new Promise((resolve, reject) => {
    new CallWrapper(api, builder)
      .onProgress(() => (progress += 1))
      .onFinished(resolve)
      .onFailed(reject)
      .run();
  });
  expect(progress > 0, 'no progress was told');
  const image = result.images.images[0];
  const blob = await api.getImage(image);
  expect(isPng(await blob.arrayBuffer()), 'the result is no PNG');
  const upload = await api.uploadImage(readFileSync(imagePath), 'sdk.png');
  expect(upload.info.filename === 'sdk.png', JSON.stringify(upload));
  expect(Object.keys((await api.getHistories(5)) ?? {}).length > 0, 'no history');
  await api.interrupt();
  api.destroy();
});

await test('stable_canvas_comfyui_client', async () => {
  const { Client } = await import('@stable-canvas/comfyui-client');
  const client = new Client({ api_host: host, fetch, WebSocket: require('ws') });
  await client.connect();
  expect((await client.getSDModels()).length > 0, 'no models');
  expect((await client.getSamplers()).includes('euler'), 'no euler');
  const { images } = await client.enqueue(fresh(103), { progress: () => {} });
  // Besides the finished image this client hands out the previews that came over the socket.
  const finished = images.filter((image) => image.type === 'url');
  expect(finished.length === 1, `wanted one image, found ${JSON.stringify(images).slice(0, 200)}`);
  expect(isPng(await (await fetch(finished[0].data)).arrayBuffer()), 'the result is no PNG');
  const polled = await client.enqueue_polling(fresh(104));
  expect(polled.images.length === 1, 'no image by polling');
  client.disconnect?.();
  client.close?.();
});

await test('comfy_ui_client', async () => {
  const { ComfyUIClient } = await import('comfy-ui-client');
  const client = new ComfyUIClient(host, 'baadbabe-b00b-4206-9420-deadd00d1337');
  await client.connect();
  const outputs = await client.getImages(fresh(105));
  const images = Object.values(outputs).flat();
  expect(images.length === 1, `wanted one image, found ${images.length}`);
  expect(isPng(await images[0].blob.arrayBuffer()), 'the result is no PNG');
  await client.disconnect();
});

await test('stable_diffusion_api', async () => {
  const module = await import('stable-diffusion-api');
  const StableDiffusionApi = module.default.default ?? module.default.StableDiffusionApi ?? module.default;
  const sharp = require('sharp');
  const api = new StableDiffusionApi({ baseUrl: url, defaultSampler: 'Euler a', defaultStepCount: 2 });
  expect((await api.getSamplers()).some((sampler) => sampler.name === 'Euler a'), 'no Euler a');
  expect((await api.getSdModels()).length > 0, 'no models');
  await api.getOptions();
  const small = { prompt: 'a photo of a red ball', width: 64, height: 64, steps: 2 };
  const made = await api.txt2img(small);
  expect((await made.image.metadata()).width === 64, 'txt2img gave another size');
  const changed = await api.img2img({ ...small, init_images: [sharp(imagePath)], denoising_strength: 0.5 });
  expect((await changed.image.metadata()).width === 64, 'img2img gave another size');
  await api.getProgress();
});

process.exit(0);
