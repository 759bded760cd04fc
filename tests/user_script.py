"""What a user writes: layers composed to a model, losses, and training. Read by mypy, not run."""

import keras

import tf_facerecon
from tf_facerecon import datasets, geometry, layers, losses, models, morphable_models

face_model = morphable_models.MorphableModel.from_preset("procedural")
reveal_type(face_model.mean_shape)
layout = morphable_models.CoefficientLayout()
coefficients = keras.Input((layout.total,))
groups = layout.split(coefficients)

morphable_face = layers.MorphableFace(face_model)
reveal_type(morphable_face.face_model)
shape, albedo = morphable_face(groups["identity"], groups["expression"], groups["texture"])
vertices = layers.PoseTransform()(shape, groups["rotation"], groups["translation"])
normals = layers.VertexNormals(face_model.triangles)(vertices)
colours = layers.SphericalHarmonicsIllumination()(albedo, normals, groups["lighting"])
camera = geometry.PerspectiveCamera(image_size=112)
reveal_type(camera.focal)
clip = layers.ClipSpaceProjection(camera)(vertices)
rendered = layers.MeshRenderer(face_model.triangles, (112, 112))(clip, colours)
reveal_type(rendered)

r_net = models.RNet.from_preset("r_net_small")
reveal_type(r_net)
decoder = tf_facerecon.FaceDecoder(face_model)
reveal_type(decoder(r_net(keras.Input((224, 224, 3)))))
reveal_type(losses.total_loss)
model = models.HybridModel(r_net, decoder, loss_weights={"landmark": 1.6e-3})
reveal_type(model)
reveal_type(decoder.face_model)
model.compile(optimizer="adam")
model.fit(datasets.build_photo_dataset("photos", 8, seed=0), epochs=1, steps_per_epoch=10)
reveal_type(tf_facerecon.FaceReconstructor.from_preset("r_net_small").reconstruct("photo.jpg"))
