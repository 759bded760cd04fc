"""Files in the layouts of the published R-Nets, with random weights: made by TensorFlow 1's own
operations and by PyTorch's own modules, without this package."""

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
HEADS = {"id": 80, "ex": 64, "tex": 80, "angles": 3, "gamma": 27, "XY": 2, "Z": 1}
COUNTS, WIDTHS = (3, 4, 6, 3), (64, 128, 256, 512)


class SlimNetwork:
    """`slim.resnet_v1_50` and the heads of the TensorFlow 1 code as a graph with variables."""

    def __init__(self, seed=0, heads=HEADS, epsilon=1.001e-5, norm="fused", strides="slim"):
        self.rng = np.random.default_rng(seed)
        self.epsilon, self.norm, self.strides = epsilon, norm, strides
        self.graph = tf.Graph()
        with self.graph.as_default():
            images = tf1.placeholder(tf.float32, [None, 224, 224, 3], "input_imgs")
            x = tf.nn.relu(self.convolve(images, "resnet_v1_50/conv1", 64, 7, 2))
            x = tf.nn.max_pool2d(x, 3, 2, "SAME")
            for block, (count, width) in enumerate(zip(COUNTS, WIDTHS, strict=True), start=1):
                for unit in range(1, count + 1):
                    scope = f"resnet_v1_50/block{block}/unit_{unit}/bottleneck_v1"
                    x = self.bottleneck(x, scope, width, self.stride(block, unit, count))
            self.features = tf.reduce_mean(x, [1, 2], keepdims=True)
            parts = [self.head(f"fc-{name}", width) for name, width in heads.items()]
            self.coefficients = tf.concat(parts, axis=1, name="coeff")
            self.session = tf1.Session()
            self.session.run(tf1.global_variables_initializer())

    def stride(self, block, unit, count):
        if self.strides == "slim":
            return 2 if unit == count and block < 4 else 1
        return 2 if unit == 1 and block > 1 else 1

    def variable(self, name, value):
        value = np.asarray(value, np.float32)
        return tf1.get_variable(name, initializer=value, use_resource=False)

    def convolve(self, x, scope, width, size, stride=1):
        fan_in = size * size * int(x.shape[-1])
        shape = (size, size, int(x.shape[-1]), width)
        scale = np.sqrt(2 / fan_in) / (100 if scope.endswith("50/conv1") else 1)
        # The typical standard deviation of the input, 0.1, is divided out.
        gain = 0.03 if scope.endswith("conv3") else 0.1
        kernel = self.rng.normal(0, scale, shape).astype(np.float32)
        norm = {
            "gamma": gain * self.rng.uniform(0.7, 1.3, width),
            "beta": self.rng.normal(0, 0.1, width),
            "moving_mean": self.rng.normal(0, 0.1, width),
            # Small enough for epsilon to matter.
            "moving_variance": self.rng.uniform(0.5, 1.5, width) * 1e-2,
        }
        if size > 1:
            margin = size // 2
            x = tf.pad(x, [[0, 0], [margin, margin], [margin, margin], [0, 0]])
        if self.norm == "folded":
            gamma, beta, mean, variance = norm.values()
            factor = gamma / np.sqrt(variance + self.epsilon)
            x = tf.nn.conv2d(x, np.float32(kernel * factor), stride, "VALID")
            return tf.nn.bias_add(x, np.float32(beta - mean * factor))
        x = tf.nn.conv2d(x, self.variable(f"{scope}/weights", kernel), stride, "VALID")
        norm = {n: self.variable(f"{scope}/BatchNorm/{n}", value) for n, value in norm.items()}
        return self.normalize(x, *norm.values())

    def normalize(self, x, gamma, beta, mean, variance):
        if self.norm == "separate":
            factor = tf1.rsqrt(variance + self.epsilon) * gamma
            return x * factor + (beta - mean * factor)
        return tf1.raw_ops.FusedBatchNormV3(
            x=x,
            scale=gamma,
            offset=beta,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=False,
        ).y

    def bottleneck(self, x, scope, width, stride):
        step_1 = stride if self.strides == "he" else 1
        step_2 = 1 if self.strides == "he" else stride
        if x.shape[-1] == 4 * width:
            shortcut = tf.nn.max_pool2d(x, 1, stride, "SAME") if stride > 1 else x
        else:
            shortcut = self.convolve(x, f"{scope}/shortcut", 4 * width, 1, stride)
        y = tf.nn.relu(self.convolve(x, f"{scope}/conv1", width, 1, step_1))
        y = tf.nn.relu(self.convolve(y, f"{scope}/conv2", width, 3, step_2))
        return tf.nn.relu(shortcut + self.convolve(y, f"{scope}/conv3", 4 * width, 1))

    def head(self, name, width):
        kernel = self.rng.normal(0, 0.01, (1, 1, 2048, width))
        kernel = self.variable(f"{name}/weights", kernel)
        bias = self.variable(f"{name}/biases", self.rng.normal(0, 0.1, width))
        x = tf.nn.bias_add(tf.nn.conv2d(self.features, kernel, 1, "SAME"), bias)
        return tf.squeeze(x, [1, 2])

    def run(self, images):
        """Features and coefficients of RGB images in [0, 1]."""
        feed = {"input_imgs:0": 255 * images[..., ::-1]}
        features, coefficients = self.session.run([self.features, self.coefficients], feed)
        return features[:, 0, 0], coefficients[:, :257]

    def save_checkpoint(self, prefix, extra=()):
        with self.graph.as_default():
            for name in extra:
                self.session.run(self.variable(name, np.zeros(3)).initializer)
            tf1.train.Saver().save(self.session, str(prefix), write_meta_graph=False)
        return prefix

    def frozen(self):
        """The frozen graph as a `GraphDef`."""
        definition = self.graph.as_graph_def()
        convert = tf1.graph_util.convert_variables_to_constants
        return convert(self.session, definition, ["coeff"])


def torch_network(seed=0):
    """torchvision's ResNet-50 and the seven heads, with the names of `net_recon`."""
    import torch
    from torch import nn

    class Bottleneck(nn.Module):
        def __init__(self, inputs, width, stride, with_shortcut):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(4 * width)
            if with_shortcut:
                self.downsample = nn.Sequential(
                    nn.Conv2d(inputs, 4 * width, 1, stride, bias=False),
                    nn.BatchNorm2d(4 * width),
                )
            self.with_shortcut = with_shortcut

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            y = torch.relu(self.bn2(self.conv2(y)))
            y = self.bn3(self.conv3(y))
            return torch.relu(y + (self.downsample(x) if self.with_shortcut else x))

    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.pool = nn.MaxPool2d(3, 2, 1)
            inputs = 64
            for stage, (count, width) in enumerate(zip(COUNTS, WIDTHS, strict=True), start=1):
                blocks = []
                for block in range(count):
                    stride = 2 if stage > 1 and block == 0 else 1
                    blocks.append(Bottleneck(inputs, width, stride, block == 0))
                    inputs = 4 * width
                setattr(self, f"layer{stage}", nn.Sequential(*blocks))

        def forward(self, x):
            x = self.pool(torch.relu(self.bn1(self.conv1(x))))
            for stage in range(1, 5):
                x = getattr(self, f"layer{stage}")(x)
            return nn.functional.adaptive_avg_pool2d(x, 1)

    class ReconNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = Backbone()
            heads = [nn.Conv2d(2048, width, 1) for width in HEADS.values()]
            self.final_layers = nn.ModuleList(heads)

        def forward(self, x):
            features = self.backbone(x)
            heads = torch.cat([head(features) for head in self.final_layers], dim=1)
            return features.flatten(1), heads.flatten(1)

    torch.manual_seed(seed)
    network = ReconNet().eval()
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d) and name.startswith("backbone"):
                # So that the image has an influence on the last features.
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm2d):
                gain = 0.3 if name.endswith("bn3") else 1.0
                module.weight.uniform_(0.7 * gain, 1.3 * gain)
                module.bias.normal_(0, 0.1)
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.3, 1.5)
    return network
