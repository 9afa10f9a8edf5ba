/** @file Guided Grad-CAM (Selvaraju et al. 2017, section 3.2): guided backpropagation times the upsampled Grad-CAM map. */
import { timesGradCam } from "./times-grad-cam.ts";

export const guidedGradCam = timesGradCam("guided", {
  name: "guided-grad-cam",
  title: "Guided Grad-CAM",
  summary:
    "Fine structure where the evidence for the class is. Inherits guided backpropagation's failure of the sanity checks.",
  paper: "Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
  cost: "those of Grad-CAM and of guided backpropagation, about 4",
});
