/**
 * @file The paper's studies that a dataset of pictures or questions can repeat: methods, metrics, the paper's figures, and what differs.
 * `models` names the bundled ones that a kind of dataset is made for; of a dataset without what a study needs, nothing is said where another
 * one has it.
 */

const family = ["grad-cam", "guided-grad-cam", "guided-backprop", "gradient"];
const network = "The paper's network is VGG-16.";

export const studies = [
  {
    name: "faithfulness",
    title: "Faithfulness, by rank correlation with occlusion",
    on: ["imagenet", "voc"],
    methods: family,
    metrics: ["occlusion-correlation"],
    paper: { "grad-cam": "0.254", "guided-grad-cam": "0.261", "guided-backprop": "0.168" },
    reading: "The paper's claim is that both CAM methods are more faithful than guided backpropagation.",
    differs: `${network} The paper uses the 2,510 images of VOC 2007 val and does not state its patch and stride. Ours are 32 and 16, filled with 0 after normalisation, and the drop is in the score before the softmax.`,
  },
  {
    name: "localisation",
    title: "Localisation error",
    on: ["imagenet", "oneCategory", "scenes"],
    models: { scenes: "scenes-shortcut/balanced" },
    methods: family,
    metrics: ["localisation-error", "max-box-accuracy"],
    paper: { "grad-cam": "top-1 0.565, top-5 0.464 (AlexNet 0.683, 0.566; GoogLeNet 0.601, 0.493)" },
    reading:
      "Localisation error: boxes at 15 % of the maximum, around the largest segment, IoU 0.5. MaxBoxAcc: the box at the threshold that is best for the other half of the images; V2 looks at all segments, mean over IoU 0.3, 0.5 and 0.7.",
    differs: `${network} The paper uses the 50,000 images of ILSVRC-15 val, each with a class of its own; of COCO these are the images that show things of one category alone, whose class is any that means it, and of the scenes those with one big object. The scenes' network answers which shape that is, and knows three.`,
  },
  {
    name: "pointing",
    title: "Pointing at annotated objects",
    on: ["coco", "voc"],
    methods: ["grad-cam", "guided-grad-cam", "guided-backprop"],
    metrics: ["pointing-game", "extended-pointing-game", "energy-pointing-game", "inside-outside"],
    variants: [
      { name: "first maximum", load: { peak: "first" }, metrics: ["pointing-game", "extended-pointing-game"] },
      {
        name: "receptive fields",
        load: { align: "receptive-field" },
        metrics: ["pointing-game", "extended-pointing-game", "energy-pointing-game"],
        methods: ["grad-cam"],
      },
    ],
    paper: {
      "grad-cam": "extended 0.706; inside/outside 3.27",
      "guided-grad-cam": "inside/outside 6.38",
      "guided-backprop": "inside/outside 2.32",
    },
    reading:
      "A map points at the centre of its maximum. `first maximum` is that of the published protocol, the first in row-major order (`--peak first`); `receptive fields` is the centre with cells placed by `--align receptive-field`. `all rejected` is the score of rejecting every class in the extended game. TorchRay's figures for VOC 2007 test, all / difficult: Grad-CAM 0.866 / 0.740 (VGG-16), guided backpropagation 0.759 / 0.530, the image's centre 0.696 / 0.424.",
    differs:
      "Those networks were trained on the dataset's own classes. Ours has the classes of ILSVRC, and an object is explained by the highest-scoring class that matches it. Objects of classes that the model does not have are left out. The network sees the centre crop, and cannot point outside it. The paper's extended game uses GoogLeNet on COCO, its inside/outside ratio regions described by a captioner.",
  },
  {
    name: "masks",
    title: "Maps against masks",
    on: ["coco"],
    methods: ["grad-cam", "guided-grad-cam", "guided-backprop"],
    metrics: ["mask-overlap"],
    reading: "IoU at 15 % of the maximum, and average precision over all pixels.",
    differs: "The paper has no such figure.",
  },
  {
    name: "sanity",
    title: "Sanity checks",
    on: ["imagenet", "voc"],
    methods: family,
    metrics: ["cascading-randomisation"],
    sample: 20,
    reading:
      "Rank correlation of the map with that of the network whose weights are randomised from the scores down to a layer. Published: plain gradients and Grad-CAM change at once, guided backpropagation hardly changes until the first layers are randomised.",
    differs:
      "Not in the paper. Adebayo et al. 2018 test Inception v3 and draw new weights; we shuffle them. A sample of 20 images.",
  },
  {
    name: "answers",
    title: "Faithfulness of answers, by rank correlation with occlusion",
    on: ["questions", "easyVqa"],
    models: { questions: "scenes-answerer", easyVqa: "easy-vqa-answerer" },
    methods: ["grad-cam", "guided-grad-cam", "guided-backprop"],
    metrics: ["occlusion-correlation"],
    paper: { "grad-cam": "0.60", "guided-backprop": "0.42" },
    reading:
      "Maps of the predicted answer. Patches of 32 pixels are a third of a scene's side, and half of an easy-VQA image's.",
    differs:
      "The paper's VQA model is a VGG-16 and an LSTM on VQA's photographs. Ours are small networks for images of shapes. Intervals are over questions, several of which are about the same image.",
  },
];
