/** @file Deconvolution Grad-CAM (Selvaraju et al. 2017, sections 3.2 and 5.1): deconvolution times the upsampled Grad-CAM map. */
import { timesGradCam } from "./times-grad-cam.ts";

export const deconvGradCam = timesGradCam("deconv", {
  name: "deconv-grad-cam",
  title: "Deconvolution Grad-CAM",
  summary: "Deconvolution's structure where the evidence for the class is, as in Grad-CAM's first study with people.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  cost: "those of Grad-CAM and of deconvolution, about 4",
});
