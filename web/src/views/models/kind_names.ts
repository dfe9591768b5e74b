const KIND_NAMES: Record<string, string> = {
  checkpoints: "Checkpoints",
  loras: "LoRAs",
  vae: "VAE",
  controlnet: "ControlNets",
  upscale_models: "Upscalers",
  embeddings: "Embeddings",
  text_encoders: "Text encoders",
  clip_vision: "CLIP vision",
  diffusion_models: "Diffusion models",
};

export const kindName = (kind: string): string => KIND_NAMES[kind] ?? kind.replace(/_/g, " ");
